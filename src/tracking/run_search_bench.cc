// What a page of runs costs when there are many: a million, or as many as the first argument says,
// each with five metrics, five params and three tags.
#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "platform/real_clock.h"
#include "platform/real_file_system.h"
#include "tracking/internal/records.h"
#include "tracking/schema.h"
#include "tracking/tracker.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace martlet::tracking {
namespace {

std::int64_t runs = 1'000'000;  // set before the first benchmark

class Filled {
 public:
  static Filled& instance() {
    static Filled filled;
    return filled;
  }
  Tracker& tracker() { return *tracker_; }

 private:
  Filled() {
    database_ = metadata::Database::open(directory_.path() + "/metadata.db",
                                         {.schema = {tracking_schema()}})
                    .value();
    tracker_ = std::make_unique<Tracker>(*database_, blobs_, clock_, random_);
    constexpr std::int64_t kAtOnce = 5'000;
    for (std::int64_t begin = 0; begin < runs; begin += kAtOnce) {
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

void search(benchmark::State& state, const char* filter, std::vector<std::string> order) {
  Tracker& tracker = Filled::instance().tracker();
  RunSearch search;
  search.experiments = {ExperimentId("0")};
  search.filter = filter;
  search.order_by = std::move(order);
  search.limit = 100;
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

BENCHMARK_CAPTURE(search, newest, "", {})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, metric_ordered_by_it, "metrics.m0 > 0.9", {"metrics.m0 DESC"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, metric_newest, "metrics.m0 > 0.9", {})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, rare_metric, "metrics.m0 > 0.9999", {})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, metric_param_tag,
                  "metrics.m0 > 0.5 and params.p1 = '7' and tags.team = 't3'", {"metrics.m0 DESC"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, param_newest, "params.p1 = '7'", {})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, ascending, "", {"metrics.m3 ASC"})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace martlet::tracking

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc > 1) martlet::tracking::runs = std::atoll(argv[1]);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
