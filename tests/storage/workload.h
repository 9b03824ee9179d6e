// tests/storage/workload.h: a mix of martlet's real use cases over a store, drawn from a seed, each written to a ledger
// before and after.
//
// One worker is one thread's share: it owns runs, a model, a dataset and claims of its own, so that what the store must
// hold follows from the ledger alone; several may work on one World at once.
#pragma once
#include "base/random.h"
#include "storage/ledger.h"
#include "storage/world.h"
#include "workflow/runner.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::storage {

enum class Operation : std::uint8_t {
  StartRun,
  Log,
  Artifact,
  ArtifactFile,
  Blobs,
  EndRun,
  Dataset,
  AppendDataset,
  AddVersion,
  Promote,
  MoveAlias,
  Truth,
  Predictions,
  Pipeline,
  FencedWrite,
};
inline constexpr int kOperations = 15;
std::string_view name_of(Operation operation);

struct WorkloadOptions {
  int worker = 0;
  std::uint64_t seed = 1;
  bool datasets = true;  // DuckDB writes Parquet files: slower than all the rest
};

class Worker {
 public:
  // Both must outlive it.
  Worker(World& world, Ledger& ledger, const WorkloadOptions& options);

  // Finds out where earlier processes left off, and goes on with their pipeline runs.
  Result<void> begin();
  // One operation, drawn at random. An Error is what martlet answered; it is in the ledger.
  Result<void> step();
  Result<void> perform(Operation operation);

 private:
  // Tells the ledger, runs, tells the ledger.
  template <class Function>
  Result<void> told(Operation operation, Json details, const Function& function);
  Result<void> need_run();
  Result<void> need_version();
  Result<Json> start_run(std::int64_t number);
  Result<Json> artifact_file(std::int64_t number);
  Result<Json> blobs(std::int64_t number);
  Result<Json> dataset(std::int64_t number, bool append);
  Result<Json> add_version(std::int64_t number);
  Result<Json> promote(std::int64_t number);
  Result<Json> move_alias(std::int64_t number, std::int64_t target);
  Result<Json> predictions(std::int64_t number);
  Result<Json> pipeline(std::int64_t number);
  Result<Json> fenced_write(std::int64_t number);
  Result<void> resume_pipelines();
  workflow::RunOptions run_options();
  workflow::ComponentTable components();
  workflow::Runner runner(const workflow::ComponentTable& table);

  World& world_;
  Ledger& ledger_;
  WorkloadOptions options_;
  SeededRandom random_;
  std::string name_;  // "w0": of its experiment, model, dataset
  std::optional<ExperimentId> experiment_;
  std::optional<RunId> run_;
  std::int64_t run_operation_ = 0;
  std::int64_t last_version_ = 0;
  std::int64_t datasets_ = 0;
};

}  // namespace martlet::storage
