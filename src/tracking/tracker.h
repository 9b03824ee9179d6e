// tracking/tracker.h: experiments, runs and all that a run says of itself.
//
// Lifetime: one per process, built by lifecycle/. Thread-safe: each call is one metadata
// transaction (its blobs are stored before). Those that take a Transaction join the caller's
// instead, so that a run's record and, say, a step's success are committed together; those that
// take an Also have it join theirs. Never here:
// training, permission checks, MLflow's wire format.
#pragma once
#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "metadata/also.h"
#include "tracking/experiment_search.h"
#include "tracking/run.h"
#include "tracking/run_search.h"

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata {
class Database;
class ReadTransaction;
class Transaction;
}  // namespace martlet::metadata
namespace martlet::artifacts {
class BlobStore;
}

namespace martlet::tracking {

struct NewRun {
  ExperimentId experiment;
  std::string name;  // "" : a made-up one
  std::string user;
  RunStatus status = RunStatus::Running;
  std::optional<Timestamp> started;  // now when absent
  Json facts = Json::object();
  RunBatch first;  // logged with it
};

// What is absent stays as it is.
struct RunUpdate {
  std::optional<RunStatus> status;
  std::optional<Timestamp> ended;
  std::optional<std::string> name;
};

class Tracker {
 public:
  // All must outlive the tracker.
  Tracker(metadata::Database& database, artifacts::BlobStore& blobs, const Clock& clock,
          Random& random)
      : database_(database), blobs_(blobs), clock_(clock), random_(random) {}

  // AlreadyExists (also when a deleted experiment has the name); InvalidArgument for an empty or
  // too long name.
  Result<Experiment> create_experiment(const std::string& name, const Texts& tags = {},
                                       const metadata::Also<Experiment>& also = {});
  Result<Experiment> get_or_create_experiment(const std::string& name);
  Result<Experiment> experiment(const ExperimentId& id) const;  // NotFound
  Result<std::optional<Experiment>> experiment_named(const std::string& name) const;
  Result<std::vector<Experiment>> experiments(View view = View::Active) const;  // newest first
  // One page. InvalidArgument naming what in the filter or the order can't be understood.
  Result<ExperimentPage> search_experiments(const ExperimentSearch& search) const;
  Result<void> set_experiment_tag(const ExperimentId& id, const std::string& key,
                                  const std::string& value);
  // NotFound when the experiment has no such tag.
  Result<void> remove_experiment_tag(const ExperimentId& id, const std::string& key);
  Result<void> rename_experiment(const ExperimentId& id, const std::string& name);
  // With an experiment its active runs are deleted, and restored with it are those and no others.
  // Conflict when it is in that state already.
  Result<void> set_experiment_lifecycle(const ExperimentId& id, Lifecycle lifecycle);

  // NotFound for an unknown experiment, InvalidArgument for a deleted one.
  Result<Run> start_run(const NewRun& request, const metadata::Also<Run>& also = {});
  // InvalidArgument with findings; InvalidArgument naming old and new value when a param is set
  // already to another value, and for a deleted run; NotFound. A metric point that is there already
  // is ignored.
  Result<void> log(const RunId& run, const RunBatch& batch);
  static Result<void> log(metadata::Transaction& tx, const RunId& run, const RunBatch& batch);
  // NotFound when the run has no such tag.
  Result<void> remove_tag(const RunId& run, const std::string& key);
  Result<Artifact> log_artifact(const RunId& run, const std::string& path, std::string_view bytes);
  Result<Artifact> log_artifact_file(const RunId& run, const std::string& path,
                                     const std::string& file);
  // The blob is stored already; NotFound otherwise.
  Result<Artifact> log_stored_artifact(const RunId& run, const std::string& path,
                                       const Digest& blob);
  // Sets the status, see next_status(); ending sets `ended` (now unless given), resuming clears it.
  Result<void> set_status(const RunId& run, RunStatus status,
                          std::optional<Timestamp> ended = std::nullopt);
  static Result<void> set_status(metadata::Transaction& tx, const RunId& run, RunStatus status,
                                 Timestamp ended);
  Result<void> rename_run(const RunId& run, const std::string& name);
  // All that is given, at once, as set_status() and rename_run() do. The end of a run that goes on
  // is none, whatever is given.
  Result<Run> update_run(const RunId& run, const RunUpdate& update);
  // Fine when it is in that state already.
  Result<void> set_run_lifecycle(const RunId& run, Lifecycle lifecycle);

  Result<Run> run(const RunId& id) const;  // NotFound
  // One page. InvalidArgument naming what in the filter or the order can't be understood.
  Result<RunPage> search(const RunSearch& search) const;
  // Every point once, by time, step, value. Empty for an unknown metric; NotFound for an unknown
  // run.
  Result<std::vector<Metric>> history(const RunId& run, const std::string& key) const;
  Result<std::string> read_artifact(const RunId& run, const std::string& path) const;  // NotFound
  // Both NotFound.
  Result<std::vector<Difference>> compare(const RunId& first, const RunId& second) const;

 private:
  std::string fresh_id();
  Result<Artifact> record_artifact(const RunId& run, Artifact artifact);

  metadata::Database& database_;
  artifacts::BlobStore& blobs_;
  const Clock& clock_;
  std::mutex mutex_;  // guards random_
  Random& random_;
};

}  // namespace martlet::tracking
