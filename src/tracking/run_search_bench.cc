// What a page of runs costs when there are many: a million, or as many as the first argument says,
// each with five metrics, five params and three tags. A second argument names a store (a SQLite
// file, or the URL of a PostgreSQL database) that is kept and filled only where runs are missing.
#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "platform/real_clock.h"
#include "platform/real_file_system.h"
#include "tracking/internal/records.h"
#include "tracking/schema.h"
#include "tracking/tracker.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>
#include <vector>

namespace martlet::tracking {
namespace {

// Set before the first benchmark.
std::int64_t runs = 1'000'000;
std::string place;  // empty: a temporary file

class Filled {
 public:
  static Filled& instance() {
    static Filled filled;
    return filled;
  }
  Tracker& tracker() { return *tracker_; }

 private:
  Filled() {
    database_ = metadata::Database::open(place.empty() ? directory_.path() + "/metadata.db" : place,
                                         {.schema = {tracking_schema()}})
                    .value();
    tracker_ = std::make_unique<Tracker>(*database_, blobs_, clock_, random_);
    const auto present =
        database_->read([](const metadata::ReadTransaction& tx) { return tx.count<RunRecord>(); });
    // Other ids than those that are there.
    random_ = SeededRandom(1 + static_cast<std::uint64_t>(present.value()));
    constexpr std::int64_t kAtOnce = 5'000;
    for (std::int64_t begin = present.value(); begin < runs; begin += kAtOnce) {
      (void)database_->write([&](metadata::Transaction& tx) -> Result<void> {
        for (std::int64_t i = begin; i < std::min(runs, begin + kAtOnce); ++i)
          MARTLET_TRY(add(tx, i));
        return {};
      });
    }
  }

  Result<void> add(metadata::Transaction& tx, std::int64_t number) {
    RunRecord run;
    run.id = RunId(random_.hex(32));
    run.experiment = ExperimentId("0");
    run.name = "run-" + std::to_string(number);
    run.status = RunStatus::Finished;
    run.started = Timestamp{1'700'000'000'000'000 + number * 1'000};
    run.ended = run.started;
    MARTLET_TRY(tx.insert(run));
    RunBatch batch;
    for (int k = 0; k < 5; ++k) {
      batch.metrics.push_back({"m" + std::to_string(k), random_.uniform(), 0, run.started});
      batch.params["p" + std::to_string(k)] = std::to_string(random_.below(100));
    }
    batch.tags = {{"team", "t" + std::to_string(random_.below(10))},
                  {"mlflow.source.name", "train.py"},
                  {std::string(kNameTag), run.name}};
    return Tracker::log(tx, run.id, batch);
  }

  platform::TemporaryDirectory directory_ = platform::TemporaryDirectory::create().value();
  artifacts::MemoryBlobStore blobs_;
  platform::RealClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<metadata::Database> database_;
  std::unique_ptr<Tracker> tracker_;
};

struct Asked {
  const char* filter = "";
  std::vector<std::string> order{};
  std::int64_t limit = 100;
  int pages_before = 0;
  RunCursor from{};  // of the first of them
};

void search(benchmark::State& state, const Asked& asked) {
  Tracker& tracker = Filled::instance().tracker();
  RunSearch search;
  search.experiments = {ExperimentId("0")};
  search.filter = asked.filter;
  search.order_by = asked.order;
  search.limit = asked.limit;
  search.from = asked.from;
  for (int i = 0; i < asked.pages_before; ++i) {
    const auto page = tracker.search(search);
    if (!page.has_value() || !page->next.has_value()) {
      state.SkipWithError("there are not that many pages");
      return;
    }
    search.from = *page->next;
  }
  std::vector<double> took;
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    const auto page = tracker.search(search);
    took.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
            .count());
    if (!page.has_value() || page->runs.empty()) state.SkipWithError("nothing was found");
  }
  std::sort(took.begin(), took.end());
  if (!took.empty()) state.counters["p95_ms"] = took[took.size() * 95 / 100];
}

// What users do: the newest, the best, a list of thousands, narrowed in every way.
const std::vector<std::pair<const char*, Asked>>& all_asked() {
  static const std::vector<std::pair<const char*, Asked>> all{
      {"newest", {}},
      {"newest_page_20", {.pages_before = 19}},
      {"newest_middle",
       {.from = {0, 0, 1'700'000'000'000'000 + std::max<std::int64_t>(runs / 2, 1) * 1'000}}},
      {"newest_1000", {.limit = 1'000}},
      {"oldest", {"", {"start_time ASC"}}},
      {"metric_ordered_by_it", {"metrics.m0 > 0.9", {"metrics.m0 DESC"}}},
      {"metric_ordered_by_it_page_20",
       {.filter = "metrics.m0 > 0.5", .order = {"metrics.m0 DESC"}, .pages_before = 19}},
      {"metric_ascending", {"", {"metrics.m3 ASC"}}},
      {"metric_middle",
       {.order = {"metrics.m3 ASC"}, .from = {0, 0, std::bit_cast<std::int64_t>(0.5)}}},
      {"metric_newest", {"metrics.m0 > 0.9"}},
      {"rare_metric", {"metrics.m0 > 0.9999"}},
      {"metric_param_tag",
       {"metrics.m0 > 0.5 and params.p1 = '7' and tags.team = 't3'", {"metrics.m0 DESC"}}},
      {"metric_param_tag_newest", {"metrics.m0 > 0.5 and params.p1 = '7' and tags.team = 't3'"}},
      {"two_params", {"params.p1 = '7' and params.p2 = '8'"}},
      {"param_newest", {"params.p1 = '7'"}},
      {"param_newest_page_5", {.filter = "params.p1 = '7'", .pages_before = 4}},
      {"tag_ilike_oldest", {"tags.team ILIKE 'T3'", {"start_time ASC"}}},
      {"name_like", {"run_name LIKE '%99%'"}},
      {"one_name", {"tags.mlflow.runName = 'run-777'"}},
      {"order_by_param", {"", {"params.p0 ASC"}}},
      {"order_by_tag_of_metric", {"metrics.m0 > 0.5", {"tags.team DESC"}}},
      {"without_tag", {"tags.nothing IS NULL"}},
  };
  return all;
}

}  // namespace
}  // namespace martlet::tracking

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc > 1) martlet::tracking::runs = std::atoll(argv[1]);
  if (argc > 2) martlet::tracking::place = argv[2];
  for (const auto& [name, asked] : martlet::tracking::all_asked()) {
    benchmark::RegisterBenchmark(name, martlet::tracking::search, asked)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
