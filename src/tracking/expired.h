// tracking/expired.h: what was deleted long ago and is removed for good: runs, logged models and
// experiments; and uploads that nobody has completed.
//
// Free functions inside the caller's transaction; callers: lifecycle's garbage collection. Blobs
// stay until nothing refers to them.
#pragma once
#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata {
class ReadTransaction;
class Transaction;
}  // namespace martlet::metadata

namespace martlet::tracking {

struct Expired {
  std::vector<RunId> runs;
  std::vector<std::string> models;        // logged ones
  std::vector<ExperimentId> experiments;  // after the runs and models above nothing is left in
                                          // them but traces, which go with them
  std::vector<std::string> uploads;       // begun before the instant
  bool empty() const {
    return runs.empty() && models.empty() && experiments.empty() && uploads.empty();
  }
};

// Deleted before that instant.
Result<Expired> expired(const metadata::ReadTransaction& tx, Timestamp before);

// Whether a holder of blobs (references.h: a run, a logged model, an upload) is among them.
bool is_among(const Expired& expired, std::string_view holder_kind, std::string_view name);

// With all their records. Those that were restored meanwhile stay.
Result<void> purge_run(metadata::Transaction& tx, const RunId& run);
Result<void> purge_model(metadata::Transaction& tx, const std::string& model);
// Fine, and nothing done, when something has come into it.
Result<void> purge_experiment(metadata::Transaction& tx, const ExperimentId& experiment);

}  // namespace martlet::tracking
