// Every way of finding runs gives the pages that a plain scan gives, on each database: random runs
// with equal starts, equal values, NaN and missing values; random filters, orders and page sizes;
// and the way may change from page to page.
#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "tracking/internal/records.h"
#include "tracking/internal/run_finding.h"
#include "tracking/schema.h"
#include "tracking/testing/store_place.h"
#include "tracking/tracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

namespace martlet::tracking {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kRuns = 240;

struct Made {
  RunRecord record;
  RunBatch batch;
  bool has(const std::string& metric) const { return number(metric).has_value(); }
  std::optional<double> number(const std::string& key) const {
    for (const Metric& metric : batch.metrics)
      if (metric.key == key) return metric.value;
    return std::nullopt;
  }
  static std::optional<std::string> text(const Texts& texts, const std::string& key) {
    const auto found = texts.find(key);
    return found == texts.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<std::string> param(const std::string& key) const { return text(batch.params, key); }
  std::optional<std::string> tag(const std::string& key) const { return text(batch.tags, key); }
};

using Holds = std::function<bool(const Made&)>;
using Compare = std::function<int(const Made&, const Made&)>;  // ascending

struct Clause {
  std::string text;
  Holds holds;
};
struct Term {
  std::string name;
  std::function<int(const Made&, const Made&, bool down)> compare;
};

template <class T>
int directed(const T& a, const T& b, bool down) {
  if (a == b) return 0;
  return (a < b) != down ? -1 : 1;
}

// Without a value: last; NaN: just before; whatever the direction.
template <class T>
int compare(const std::optional<T>& a, const std::optional<T>& b, bool down) {
  if (!a || !b) return a.has_value() == b.has_value() ? 0 : (a ? -1 : 1);
  if constexpr (std::is_same_v<T, double>) {
    if (std::isnan(*a) || std::isnan(*b))
      return std::isnan(*a) == std::isnan(*b) ? 0 : (std::isnan(*a) ? 1 : -1);
  }
  return directed(*a, *b, down);
}

std::vector<Clause> clauses() {
  const auto is = [](const std::optional<std::string>& text, const std::string& wanted) {
    return text == std::optional(wanted);
  };
  return {
      {"metrics.m > 1", [](const Made& run) { return run.number("m").value_or(0) > 1; }},
      {"metrics.m != 2", [](const Made& run) { return run.has("m") && !(*run.number("m") == 2); }},
      {"metrics.n <= 2", [](const Made& run) { return run.number("n").value_or(9) <= 2; }},
      {"metrics.rare = 1", [](const Made& run) { return run.has("rare"); }},
      {"params.p = '1'", [=](const Made& run) { return is(run.param("p"), "1"); }},
      {"params.q != 'b'",
       [=](const Made& run) { return run.param("q") && !is(run.param("q"), "b"); }},
      {"params.p LIKE '1%'",
       [](const Made& run) { return run.param("p").value_or("").starts_with('1'); }},
      {"params.q IS NULL", [](const Made& run) { return !run.param("q").has_value(); }},
      {"params.q IS NOT NULL", [](const Made& run) { return run.param("q").has_value(); }},
      {"tags.team ILIKE 'RED'",
       [=](const Made& run) { return is(run.tag("team"), "red") || is(run.tag("team"), "Red"); }},
      {"tags.team = 'red'", [=](const Made& run) { return is(run.tag("team"), "red"); }},
      {"tags.none = 'x'", [](const Made&) { return false; }},
      {"datasets.name = 'd1'",
       [](const Made& run) {
         return !run.batch.inputs.empty() && run.batch.inputs[0].name == "d1";
       }},
      {"datasets.context LIKE 'tr%'", [](const Made& run) { return !run.batch.inputs.empty(); }},
      {"status = 'FINISHED'",
       [](const Made& run) { return run.record.status == RunStatus::Finished; }},
      {"run_name LIKE '%1%'",
       [](const Made& run) { return run.record.name.find('1') != std::string::npos; }},
  };
}

std::vector<Term> terms() {
  std::vector<Term> all;
  for (const char* key : {"m", "n", "rare"}) {
    all.push_back({"metrics." + std::string(key), [key](const Made& a, const Made& b, bool down) {
                     return compare(a.number(key), b.number(key), down);
                   }});
  }
  for (const char* key : {"p", "q"}) {
    all.push_back({"params." + std::string(key), [key](const Made& a, const Made& b, bool down) {
                     return compare(a.param(key), b.param(key), down);
                   }});
  }
  all.push_back({"tags.team", [](const Made& a, const Made& b, bool down) {
                   return compare(a.tag("team"), b.tag("team"), down);
                 }});
  all.push_back({"start_time", [](const Made& a, const Made& b, bool down) {
                   return directed(a.record.started, b.record.started, down);
                 }});
  all.push_back({"end_time", [](const Made& a, const Made& b, bool down) {
                   return compare(a.record.ended, b.record.ended, down);
                 }});
  all.push_back({"run_name", [](const Made& a, const Made& b, bool down) {
                   return directed(a.record.name, b.record.name, down);
                 }});
  all.push_back({"run_id", [](const Made& a, const Made& b, bool down) {
                   return directed(a.record.id, b.record.id, down);
                 }});
  return all;
}

// Clauses are begun with at once; indices are walked to the end; walks turn to clauses; all mixed.
std::vector<SearchEffort> efforts() {
  return {{},
          {0, 0, 0, 1, 0},
          {0, 0, 0, 7, 5'000},
          {0, 1'000, 0, 4, 0},
          {5, 60, 10, 16, 100},
          {0, 1'000, 1'000, 4, 0}};
}

class RunPlansTest : public ::testing::TestWithParam<testing::Driver> {
 protected:
  void SetUp() override {
    if (!place_.available()) GTEST_SKIP() << testing::kNoPostgres;
    ASSERT_NO_FATAL_FAILURE(open());
    ASSERT_TRUE(tracker_->create_experiment("second").has_value());
    ASSERT_TRUE(tracker_->create_experiment("third").has_value());
    for (int i = 0; i < kRuns; ++i) make();
    const auto written = database_->write([&](metadata::Transaction& tx) -> Result<void> {
      for (const Made& run : runs_) {
        RunRecord record = run.record;
        record.lifecycle = Lifecycle::Active;  // deleted runs take nothing
        MARTLET_TRY(tx.insert(record));
        MARTLET_TRY(Tracker::log(tx, record.id, run.batch));
        MARTLET_TRY(tx.update(run.record));
      }
      return {};
    });
    ASSERT_TRUE(written.has_value()) << written.error().message();
  }

  void open() {
    tracker_.reset();
    database_.reset();
    auto opened = metadata::Database::open(place_.place(), {.schema = {tracking_schema()}});
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    database_ = std::move(*opened);
    tracker_.emplace(*database_, blobs_, clock_, ids_);
  }

  void make() {
    static const std::vector<double> kValues{
        0, -0.0, 1, 2, 3, kNan, std::numeric_limits<double>::infinity()};
    Made run;
    run.record.id = RunId(random_.hex(32));
    run.record.experiment = ExperimentId(std::to_string(random_.below(3)));
    run.record.name = "run-" + std::to_string(random_.below(40));
    run.record.status = random_.below(2) == 0 ? RunStatus::Finished : RunStatus::Running;
    run.record.lifecycle = random_.below(8) == 0 ? Lifecycle::Deleted : Lifecycle::Active;
    if (random_.below(3) > 0) now_ += 1'000;  // a third of the starts are equal
    run.record.started = Timestamp{now_};
    if (random_.below(2) == 0) run.record.ended = Timestamp{now_ + 5};
    const auto metric = [&](const std::string& key, double value) {
      run.batch.metrics.push_back({key, value, 0, run.record.started});
    };
    if (random_.below(5) > 0) metric("m", kValues[random_.below(kValues.size())]);
    if (random_.below(2) > 0) metric("n", static_cast<double>(random_.below(1000)) / 250);
    if (random_.below(40) == 0) metric("rare", 1);
    if (random_.below(6) > 0) run.batch.params["p"] = std::to_string(random_.below(12));
    if (random_.below(2) > 0) run.batch.params["q"] = std::string(1, "abc"[random_.below(3)]);
    if (random_.below(3) > 0)
      run.batch.tags["team"] = std::vector<std::string>{"red", "Red", "blue"}[random_.below(3)];
    if (random_.below(4) == 0)
      run.batch.inputs.push_back(
          {"d" + std::to_string(random_.below(3)), "sha256:1", "training", Json::object()});
    if (random_.below(9) == 0 && !run.batch.inputs.empty()) {
      run.batch.inputs.push_back(run.batch.inputs.front());  // one run, two records of its name
      run.batch.inputs.back().context = "truth";
    }
    runs_.push_back(std::move(run));
  }

  std::vector<RunId> scanned(const RunSearch& search, const std::vector<Clause>& wanted,
                             const std::vector<std::pair<Term, bool>>& order) const {
    std::vector<const Made*> found;
    for (const Made& run : runs_) {
      const auto& only = search.experiments;
      const bool active = run.record.lifecycle == Lifecycle::Active;
      if (!only.empty() && std::find(only.begin(), only.end(), run.record.experiment) == only.end())
        continue;
      if (search.view != View::All && active != (search.view == View::Active)) continue;
      if (std::all_of(wanted.begin(), wanted.end(),
                      [&](const Clause& clause) { return clause.holds(run); }))
        found.push_back(&run);
    }
    std::sort(found.begin(), found.end(), [&](const Made* a, const Made* b) {
      for (const auto& [term, down] : order) {
        const int compared = term.compare(*a, *b, down);
        if (compared != 0) return compared < 0;
      }
      if (a->record.started != b->record.started) return a->record.started > b->record.started;
      return a->record.id < b->record.id;
    });
    std::vector<RunId> ids;
    for (const Made* run : found) ids.push_back(run->record.id);
    return ids;
  }

  // All pages; `effort` is asked for each.
  std::vector<RunId> paged(RunSearch search, const std::function<SearchEffort()>& effort) const {
    std::vector<RunId> ids;
    for (int pages = 0; pages <= kRuns; ++pages) {
      const SearchEffort with = effort();
      const auto page = database_->read(
          [&](const metadata::ReadTransaction& tx) { return find_runs(tx, search, with); });
      if (!page.has_value()) {
        ADD_FAILURE() << page.error().message();
        return ids;
      }
      EXPECT_LE(std::ssize(page->records), search.limit);
      for (const RunRecord& run : page->records) ids.push_back(run.id);
      if (!page->next.has_value()) return ids;
      EXPECT_EQ(std::ssize(page->records), search.limit);
      search.from = *page->next;
    }
    ADD_FAILURE() << "the pages don't end";
    return ids;
  }

  testing::StorePlace place_{GetParam()};
  artifacts::MemoryBlobStore blobs_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};
  SeededRandom ids_{1};
  SeededRandom random_{7};
  std::int64_t now_ = 1'893'456'000'000'000;
  std::vector<Made> runs_;
  std::unique_ptr<metadata::Database> database_;
  std::optional<Tracker> tracker_;
};

TEST_P(RunPlansTest, every_way_gives_the_pages_of_a_plain_scan) {
  const std::vector<Clause> all_clauses = clauses();
  const std::vector<Term> all_terms = terms();
  const std::vector<SearchEffort> all_efforts = efforts();
  int found_something = 0;
  constexpr int kSearches = 400;  // more different statements than a connection keeps
  for (int i = 0; i < kSearches; ++i) {
    RunSearch search;
    std::vector<Clause> wanted;
    std::set<std::size_t> used;
    for (std::size_t n = random_.below(4); n > 0; --n)
      used.insert(random_.below(all_clauses.size()));
    for (const std::size_t at : used) {
      wanted.push_back(all_clauses[at]);
      search.filter += (search.filter.empty() ? "" : " and ") + all_clauses[at].text;
    }
    std::vector<std::pair<Term, bool>> order;
    used.clear();
    for (std::size_t n = random_.below(8); n > 0; n /= 3)
      used.insert(random_.below(all_terms.size()));
    for (const std::size_t at : used) {
      order.emplace_back(all_terms[at], random_.below(2) == 0);
      search.order_by.push_back(all_terms[at].name + (order.back().second ? " DESC" : " ASC"));
    }
    for (std::size_t n = random_.below(3); n > 0; --n)
      search.experiments.push_back(ExperimentId(std::to_string(n)));
    search.view = random_.below(4) == 0 ? View::All : View::Active;
    search.limit = std::vector<std::int64_t>{3, 10, 50, 1000}[random_.below(4)];
    const std::vector<RunId> expected = scanned(search, wanted, order);
    found_something += expected.empty() ? 0 : 1;
    std::string told = search.filter;
    for (const std::string& term : search.order_by) told += ", " + term;
    const SearchEffort one = all_efforts[static_cast<std::size_t>(i) % all_efforts.size()];
    ASSERT_EQ(paged(search, [&] { return one; }), expected)
        << told << ", pages of " << search.limit << ", effort " << i % all_efforts.size();
    const auto any = [&] { return all_efforts[random_.below(all_efforts.size())]; };
    ASSERT_EQ(paged(search, any), expected)
        << told << ", pages of " << search.limit << ", efforts mixed";
  }
  EXPECT_GT(found_something, kSearches / 2);
}

TEST_P(RunPlansTest, a_run_that_starts_between_two_pages_shifts_none) {
  for (const char* order : {"start_time DESC", "metrics.n DESC"}) {
    RunSearch search;
    search.view = View::All;
    search.order_by = {order};
    search.limit = 20;
    const auto first = tracker_->search(search);
    ASSERT_TRUE(first.has_value() && first->next.has_value());
    search.from = *first->next;
    const auto expected = tracker_->search(search);
    NewRun late;
    late.experiment = ExperimentId("0");
    late.first.metrics = {{"n", 1e9, 0, {}}};  // first in both orders
    clock_.advance(std::chrono::hours(1));
    ASSERT_TRUE(tracker_->start_run(late).has_value());
    const auto second = tracker_->search(search);
    ASSERT_TRUE(expected.has_value() && second.has_value());
    ASSERT_EQ(second->runs.size(), expected->runs.size());
    for (std::size_t i = 0; i < second->runs.size(); ++i)
      EXPECT_EQ(second->runs[i].id, expected->runs[i].id);
  }
}

INSTANTIATE_TEST_SUITE_P(Databases, RunPlansTest,
                         ::testing::Values(testing::Driver::Sqlite, testing::Driver::Postgres),
                         [](const auto& driver) { return testing::name_of(driver.param); });

}  // namespace
}  // namespace martlet::tracking
