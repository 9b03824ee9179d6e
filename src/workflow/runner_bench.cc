// What a run of a hundred steps costs when all of them are hits: durable records of the run on a
// real disk, look-ups of keys and of blobs.
#include "artifacts/directory_blob_store.h"
#include "metadata/database.h"
#include "platform/real_clock.h"
#include "platform/real_file_system.h"
#include "workflow/runner.h"

#include <benchmark/benchmark.h>

namespace martlet::workflow {
namespace {

constexpr int kSteps = 100;

// Each step takes the output of the one before.
Pipeline chain() {
  Pipeline pipeline{"chain", {}};
  for (int i = 0; i < kSteps; ++i) {
    Step step;
    step.name = "step-" + std::to_string(i);
    step.component = "link";
    step.parameters = Json{{"number", i}};
    if (i > 0) step.inputs = {{"before", {"step-" + std::to_string(i - 1), "blob"}}};
    pipeline.steps.push_back(std::move(step));
  }
  return pipeline;
}

void hundred_hits(benchmark::State& state) {
  const auto directory = platform::TemporaryDirectory::create().value();
  platform::RealClock clock;
  platform::RealFileSystem files;
  SeededRandom random(1);
  const auto blobs =
      artifacts::DirectoryBlobStore::open(files, directory.path() + "/blobs").value();
  const auto database =
      metadata::Database::open(directory.path() + "/metadata.db", {.schema = {workflow_schema()}})
          .value();
  ComponentTable components;
  components["link"] = {"link", "1", [&](const StepContext& context) -> Result<Json> {
                          MARTLET_TRY_SET(const Digest digest,
                                          blobs->put(to_text(context.parameters)));
                          return Json{{"blob", digest.text()}};
                        }};
  Runner runner({*database, *blobs, files, clock, random, Log::none(), components, "code-1",
                 directory.path() + "/logs", "here:1:1", [](const std::string&) { return false; }});
  const Pipeline pipeline = chain();
  (void)runner.run(pipeline, Json::object(), {}).value();
  for (auto _ : state) {
    const RunOutcome outcome = runner.run(pipeline, Json::object(), {.workers = 2}).value();
    for (const StepRecord& step : outcome.steps) {
      if (step.step_status() != StepStatus::Cached) state.SkipWithError("a step was computed");
    }
  }
  state.counters["commits"] = static_cast<double>(database->write_counts().commits);
}

BENCHMARK(hundred_hits)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace martlet::workflow

BENCHMARK_MAIN();
