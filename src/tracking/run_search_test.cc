// Searches over generated runs give what a naive reading of the search language gives, page by
// page.
#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "tracking/schema.h"
#include "tracking/tracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <stdlib.h>

namespace martlet::tracking {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class RunSearchTest : public ::testing::Test {
 protected:
  RunSearchTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    auto opened =
        metadata::Database::open(directory_ + "/metadata.db", {.schema = {tracking_schema()}});
    EXPECT_TRUE(opened.has_value());
    database_ = std::move(*opened);
    tracker_.emplace(*database_, blobs_, clock_, random_);
  }
  ~RunSearchTest() override {
    tracker_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  RunId start(const RunBatch& batch, const std::string& name = "",
              const std::string& experiment = "0", RunStatus status = RunStatus::Running) {
    clock_.advance(std::chrono::milliseconds(1500));
    NewRun request;
    request.experiment = ExperimentId(experiment);
    request.name = name;
    request.user = "ada";
    request.status = status;
    request.first = batch;
    auto run = tracker_->start_run(request);
    EXPECT_TRUE(run.has_value()) << run.error().message();
    runs_.push_back(*run);
    return run->id;
  }

  // Places in the order of starting.
  std::vector<int> found(const RunSearch& search) {
    const auto page = tracker_->search(search);
    EXPECT_TRUE(page.has_value()) << search.filter << ": " << page.error().message();
    return page.has_value() ? places(page->runs) : std::vector<int>();
  }
  std::vector<int> places(const std::vector<tracking::Run>& runs) {
    std::vector<int> numbers;
    for (const tracking::Run& run : runs) {
      const auto at = std::find_if(runs_.begin(), runs_.end(), [&](const tracking::Run& started) {
        return started.id == run.id;
      });
      numbers.push_back(static_cast<int>(at - runs_.begin()));
    }
    return numbers;
  }
  std::vector<int> matching(const std::string& filter) {
    RunSearch search;
    search.filter = filter;
    std::vector<int> numbers = found(search);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }
  std::vector<int> ordered(const std::vector<std::string>& order_by,
                           const std::string& filter = "") {
    RunSearch search;
    search.filter = filter;
    search.order_by = order_by;
    return found(search);
  }
  // All pages, put together.
  std::vector<int> paged(RunSearch search, std::int64_t limit) {
    std::vector<int> numbers;
    search.limit = limit;
    for (int pages = 0; pages < 1000; ++pages) {
      const auto page = tracker_->search(search);
      EXPECT_TRUE(page.has_value());
      const std::vector<int> some = places(page->runs);
      EXPECT_LE(std::ssize(some), limit);
      numbers.insert(numbers.end(), some.begin(), some.end());
      if (!page->next.has_value()) return numbers;
      EXPECT_EQ(std::ssize(some), limit);
      search.from = *page->next;
    }
    ADD_FAILURE() << "the pages don't end";
    return numbers;
  }

  std::string directory_;
  artifacts::MemoryBlobStore blobs_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};  // 2030-01-01
  SeededRandom random_{1};
  std::unique_ptr<metadata::Database> database_;
  std::optional<Tracker> tracker_;
  std::vector<tracking::Run> runs_;
};

using Places = std::vector<int>;

// 0: all there is; 1: NaN; 2: another loss; 3: nothing; 4: infinity
class FiveRuns : public RunSearchTest {
 protected:
  FiveRuns() {
    RunBatch first;
    first.metrics = {{"loss", 0.5, 0, {}}, {"my metric", 7, 0, {}}};
    first.params = {{"depth", "6"}, {"name", "It's"}};
    first.tags = {{"team", "Red"}, {"a.b", "x"}};
    first.inputs = {{"flights", "sha256:1", "training", Json::object()}};
    start(first, "first");
    RunBatch second;
    second.metrics = {{"loss", kNan, 0, {}}};
    second.params = {{"depth", "60"}};
    start(second, "second");
    RunBatch third;
    third.metrics = {{"loss", 0.25, 0, {}}};
    third.params = {{"depth", ""}};
    third.tags = {{"team", "red"}};
    third.inputs = {{"weather", "sha256:2", "lookup", Json::object()}};
    start(third, "third", "0", RunStatus::Failed);
    start({}, "100%");
    RunBatch fifth;
    fifth.metrics = {{"loss", std::numeric_limits<double>::infinity(), 0, {}}};
    start(fifth, "fifth");
  }
};

TEST_F(FiveRuns, metrics_are_compared_by_their_latest_value) {
  EXPECT_EQ(matching("metrics.loss < 0.5"), Places{2});
  EXPECT_EQ(matching("metric.loss <= 0.5"), (Places{0, 2}));
  EXPECT_EQ(matching("metrics.loss > 0.25"), (Places{0, 4}));
  EXPECT_EQ(matching("metrics.loss >= 0.25"), (Places{0, 2, 4}));
  EXPECT_EQ(matching("metrics.loss = 0.5"), Places{0});
  EXPECT_EQ(matching("metrics.loss != 0.5"), (Places{1, 2, 4}));  // NaN too; not the one without
  EXPECT_EQ(matching("metrics.`my metric` = 7"), Places{0});
  EXPECT_TRUE(matching("metrics.unknown != 1").empty());
  RunBatch later;
  later.metrics = {{"loss", 0.1, 5, {}}};
  ASSERT_TRUE(tracker_->log(runs_[0].id, later).has_value());
  EXPECT_EQ(matching("metrics.loss < 0.2"), Places{0});
}

TEST_F(FiveRuns, params_and_tags_are_compared_as_texts) {
  EXPECT_EQ(matching("params.depth = '6'"), Places{0});
  EXPECT_EQ(matching("param.depth != '6'"), (Places{1, 2}));
  EXPECT_EQ(matching("params.depth LIKE '6%'"), (Places{0, 1}));
  EXPECT_EQ(matching("params.depth LIKE '6_'"), Places{1});
  EXPECT_EQ(matching("params.name = 'It''s'"), Places{0});
  EXPECT_EQ(matching("params.depth = ''"), Places{2});
  EXPECT_EQ(matching("tags.team like 'r%'"), Places{2});
  EXPECT_EQ(matching("tags.team ILIKE 'r%'"), (Places{0, 2}));
  EXPECT_EQ(matching("tags.`a.b` = 'x'"), Places{0});
  EXPECT_EQ(matching("tags.team IS NULL"), (Places{1, 3, 4}));
  EXPECT_EQ(matching("tags.team IS NOT NULL"), (Places{0, 2}));
  EXPECT_EQ(matching("params.depth = '6' and metrics.loss = 0.5 and tags.team = 'Red'"), Places{0});
  EXPECT_TRUE(matching("params.depth = '6' and tags.team = 'red'").empty());
}

TEST_F(FiveRuns, attributes_and_datasets_are_searched) {
  EXPECT_EQ(matching("attributes.status = 'FAILED'"), Places{2});
  EXPECT_EQ(matching("status != 'failed'"), (Places{0, 1, 3, 4}));
  EXPECT_EQ(matching("run_name LIKE '%ir%'"), (Places{0, 2}));
  EXPECT_EQ(matching("attr.`Run name` = '100%'"), Places{3});
  EXPECT_EQ(matching("user_id = 'ada'"), (Places{0, 1, 2, 3, 4}));
  EXPECT_EQ(matching("experiment_id = '1'"), Places{});
  EXPECT_EQ(matching("run_id IN ('" + runs_[1].id.text() + "', '" + runs_[3].id.text() + "')"),
            (Places{1, 3}));
  EXPECT_EQ(matching("run_id NOT IN ('" + runs_[1].id.text() + "')"), (Places{0, 2, 3, 4}));
  EXPECT_EQ(matching("datasets.name = 'flights'"), Places{0});
  EXPECT_EQ(matching("dataset.context IN ('training', 'lookup')"), (Places{0, 2}));
  EXPECT_EQ(matching("datasets.digest LIKE 'sha256:%'"), (Places{0, 2}));
}

TEST_F(FiveRuns, times_are_compared_by_the_millisecond) {
  const std::int64_t third = runs_[2].started.micros / 1000;
  const auto at = [&](const std::string& comparator, std::int64_t millis) {
    return matching("start_time " + comparator + " " + std::to_string(millis));
  };
  EXPECT_EQ(at("=", third), Places{2});
  EXPECT_EQ(at("!=", third), (Places{0, 1, 3, 4}));
  EXPECT_EQ(at("<", third), (Places{0, 1}));
  EXPECT_EQ(at("<=", third), (Places{0, 1, 2}));
  EXPECT_EQ(at(">", third), (Places{3, 4}));
  EXPECT_EQ(at(">=", third), (Places{2, 3, 4}));
  EXPECT_EQ(matching("end_time > 0"), Places{2});  // the others run
}

TEST_F(FiveRuns, order_puts_nan_before_the_missing_and_both_last) {
  EXPECT_EQ(ordered({"metrics.loss"}), (Places{2, 0, 4, 1, 3}));
  EXPECT_EQ(ordered({"metrics.loss DESC"}), (Places{4, 0, 2, 1, 3}));
  EXPECT_EQ(ordered({"metrics.loss DESC"}, "metrics.loss >= 0"), (Places{4, 0, 2}));
  EXPECT_EQ(ordered({"metrics.loss"}, "tags.team IS NULL"), (Places{4, 1, 3}));
  EXPECT_EQ(ordered({}), (Places{4, 3, 2, 1, 0}));
  EXPECT_EQ(ordered({"start_time ASC"}), (Places{0, 1, 2, 3, 4}));
  EXPECT_EQ(ordered({"run_name"}), (Places{3, 4, 0, 1, 2}));
  EXPECT_EQ(ordered({"end_time"}), (Places{2, 4, 3, 1, 0}));
  EXPECT_EQ(ordered({"end_time DESC"}), (Places{2, 4, 3, 1, 0}));
  EXPECT_EQ(ordered({"params.depth"}), (Places{2, 0, 1, 4, 3}));
  EXPECT_EQ(ordered({"params.depth DESC"}), (Places{1, 0, 2, 4, 3}));
  EXPECT_EQ(ordered({"tags.team DESC", "metrics.loss DESC"}), (Places{2, 0, 4, 1, 3}));
  EXPECT_EQ(ordered({"status", "metrics.loss"}), (Places{2, 0, 4, 1, 3}));
}

TEST_F(FiveRuns, what_cannot_be_understood_is_refused_by_name) {
  const auto refusal = [&](const std::string& filter, const std::vector<std::string>& order = {}) {
    RunSearch search;
    search.filter = filter;
    search.order_by = order;
    const auto page = tracker_->search(search);
    EXPECT_FALSE(page.has_value()) << filter;
    if (page.has_value()) return std::string();
    EXPECT_EQ(page.error().code(), ErrorCode::InvalidArgument);
    return page.error().message();
  };
  EXPECT_NE(refusal("metrcs.loss > 1").find("metrcs"), std::string::npos);
  EXPECT_NE(refusal("run_nam = 'x'").find("did you mean \"run_name\"?"), std::string::npos);
  EXPECT_NE(refusal("metrics.loss > 'x'").find("metrics.loss > 'x'"), std::string::npos);
  EXPECT_NE(refusal("params.depth = 6").find("quotes"), std::string::npos);
  EXPECT_NE(refusal("params.depth > '6'").find("'>'"), std::string::npos);
  EXPECT_NE(refusal("params.depth in ('6')").find("'IN'"), std::string::npos);
  EXPECT_NE(refusal("metrics.loss like '6'").find("'LIKE'"), std::string::npos);
  EXPECT_NE(refusal("status in ('FAILED')").find("run_id only"), std::string::npos);
  EXPECT_NE(refusal("start_time = 'x'").find("integer"), std::string::npos);
  EXPECT_NE(refusal("start_time = 9223372036854775807").find("time"), std::string::npos);
  EXPECT_NE(refusal("datasets.size = 'x'").find("size"), std::string::npos);
  EXPECT_NE(refusal("", {"metrics.a", "metrics.a DESC"}).find("duplicate"), std::string::npos);
  EXPECT_NE(refusal("", {"datasets.name"}).find("datasets"), std::string::npos);
  EXPECT_NE(refusal("", {"metrics.a down"}).find("ASC, DESC"), std::string::npos);
  RunSearch negative;
  negative.limit = -1;
  EXPECT_FALSE(tracker_->search(negative).has_value());
}

TEST_F(FiveRuns, exact_tags_params_statuses_views_and_experiments_narrow_a_search) {
  RunSearch tagged;
  tagged.tags = {{"team", "red"}};
  tagged.params = {{"depth", ""}};
  EXPECT_EQ(found(tagged), Places{2});
  RunSearch failed;
  failed.statuses = {RunStatus::Failed, RunStatus::Killed};
  EXPECT_EQ(found(failed), Places{2});
  ASSERT_TRUE(tracker_->set_run_lifecycle(runs_[0].id, Lifecycle::Deleted).has_value());
  RunSearch view;
  view.view = View::Deleted;
  EXPECT_EQ(found(view), Places{0});
  view.order_by = {"metrics.loss"};
  EXPECT_EQ(found(view), Places{0});
  RunSearch elsewhere;
  elsewhere.experiments = {ExperimentId("9")};
  EXPECT_TRUE(found(elsewhere).empty());
  elsewhere.order_by = {"metrics.loss"};
  EXPECT_TRUE(found(elsewhere).empty());
}

// What the search language says, read naively.
struct Naive {
  const std::vector<tracking::Run>& runs;

  static int compare(double a, double b, bool descending) {
    if (std::isnan(a) || std::isnan(b))
      return std::isnan(a) == std::isnan(b) ? 0 : (std::isnan(a) ? 1 : -1);
    if (a == b) return 0;
    return (a < b) != descending ? -1 : 1;
  }
  std::vector<int> by_metric(const std::string& key, bool descending,
                             const std::function<bool(const tracking::Run&)>& matches) const {
    std::vector<int> places;
    for (int i = 0; i < std::ssize(runs); ++i) {
      if (matches(runs[static_cast<std::size_t>(i)])) places.push_back(i);
    }
    std::sort(places.begin(), places.end(), [&](int left, int right) {
      const tracking::Run& a = runs[static_cast<std::size_t>(left)];
      const tracking::Run& b = runs[static_cast<std::size_t>(right)];
      const bool has_a = a.metrics.contains(key);
      const bool has_b = b.metrics.contains(key);
      if (has_a != has_b) return has_a;
      if (has_a) {
        const int order = compare(a.metrics.at(key).value, b.metrics.at(key).value, descending);
        if (order != 0) return order < 0;
      }
      if (a.started != b.started) return a.started > b.started;
      return a.id < b.id;
    });
    return places;
  }
};

TEST_F(RunSearchTest, every_plan_and_every_page_agrees_with_a_naive_search) {
  ASSERT_TRUE(tracker_->create_experiment("second").has_value());
  SeededRandom random(20);
  const std::vector<double> values{0, 1, 2, 3, kNan};
  for (int i = 0; i < 150; ++i) {
    RunBatch batch;
    if (random.below(4) > 0) batch.metrics.push_back({"m", values[random.below(5)], 0, {}});
    if (random.below(2) > 0) batch.metrics.push_back({"n", values[random.below(4)], 0, {}});
    batch.params["p"] = std::to_string(random.below(3));
    start(batch, "", random.below(2) == 0 ? "0" : "1");
  }
  const Naive naive{runs_};
  for (const bool descending : {false, true}) {
    for (const bool one_experiment : {false, true}) {
      RunSearch search;
      search.filter = "metrics.n >= 1 and params.p != '2'";
      search.order_by = {descending ? "metrics.m DESC" : "metrics.m"};
      if (one_experiment) search.experiments = {ExperimentId("1")};
      const auto matches = [&](const tracking::Run& run) {
        return run.metrics.contains("n") && run.metrics.at("n").value >= 1 &&
               run.params.at("p") != "2" &&
               (!one_experiment || run.experiment == ExperimentId("1"));
      };
      const std::vector<int> expected = naive.by_metric("m", descending, matches);
      for (const std::int64_t limit : {1, 7, 50, 1000}) EXPECT_EQ(paged(search, limit), expected);
      // A second term takes the way through memory, and changes nothing here.
      search.order_by.emplace_back("start_time DESC");
      EXPECT_EQ(paged(search, 11), expected);
    }
  }
  RunSearch newest;
  newest.filter = "metrics.m < 3";
  std::vector<int> expected;
  for (int i = 149; i >= 0; --i) {
    const auto& metrics = runs_[static_cast<std::size_t>(i)].metrics;
    if (metrics.contains("m") && metrics.at("m").value < 3) expected.push_back(i);
  }
  for (const std::int64_t limit : {1, 7, 1000}) EXPECT_EQ(paged(newest, limit), expected);
}

}  // namespace
}  // namespace martlet::tracking
