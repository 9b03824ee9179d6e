// tests/storage/world.h: a process of the workload: a store opened as martlet opens it, and the real services upon it.
//
// Which file system it stands on is the caller's choice; a planted bug, if any, stands in between. One per simulated
// process; thread-safe as the services are.
#pragma once
#include "base/clock.h"
#include "base/random.h"
#include "lifecycle/store.h"
#include "monitoring/prediction_log.h"
#include "monitoring/truth.h"
#include "platform/threads.h"
#include "registry/model_registry.h"
#include "storage/planted_bugs.h"
#include "tracking/tracker.h"

#include <memory>
#include <mutex>
#include <string>

namespace martlet::storage {

struct WorldOptions {
  std::string directory;      // of the store
  std::uint64_t seed = 1;     // of ids; differs for each process
  Bug bug = Bug::None;
  lifecycle::WhenMissing when_missing = lifecycle::WhenMissing::Create;
};

class World {
 public:
  // `files` must outlive it.
  static Result<std::unique_ptr<World>> open(FileSystem& files, const WorldOptions& options);

  FileSystem& files() { return *files_; }
  metadata::Database& database() { return *database_; }
  artifacts::BlobStore& blobs() { return *blobs_; }
  const lifecycle::Store& store() const { return *store_; }
  VirtualClock& clock() { return clock_; }
  Random& random() { return random_; }
  tracking::Tracker& tracker() { return *tracker_; }
  registry::ModelRegistry& registry() { return *registry_; }
  monitoring::TruthStore& truth() { return *truth_; }
  // Opened when first asked for.
  Result<monitoring::PredictionLog*> predictions();
  std::string predictions_directory() const { return store_->predictions_directory("storm"); }
  Bug bug() const { return options_.bug; }
  std::string process() const { return "storm:" + std::to_string(options_.seed); }

 private:
  World(FileSystem& files, WorldOptions options);

  WorldOptions options_;
  std::unique_ptr<FileSystem> buggy_files_;
  FileSystem* files_;  // without a bug the caller's own, so that it sees who calls
  VirtualClock clock_;
  SeededRandom random_;
  platform::ThreadPool pool_;
  std::unique_ptr<lifecycle::Store> store_;
  std::unique_ptr<metadata::Database> database_;
  std::unique_ptr<artifacts::BlobStore> blobs_;
  std::unique_ptr<tracking::Tracker> tracker_;
  std::unique_ptr<registry::ModelRegistry> registry_;
  std::unique_ptr<monitoring::TruthStore> truth_;
  std::mutex predictions_mutex_;  // guards predictions_ while it is opened
  std::unique_ptr<monitoring::PredictionLog> predictions_;
};

}  // namespace martlet::storage
