// tracking/logged_model_import.h: logged models that another store recorded, taken over as they
// were: with their own ids, times, statuses and lifecycle.
//
// As run_import.h: an import only adds, each call is one transaction, and what our rules don't
// allow is left out and told. Lifetime: of one import; the database must outlive it. One thread at
// a time. Caller: lifecycle's import.
#pragma once
#include "base/clock.h"
#include "base/finding.h"
#include "base/result.h"
#include "tracking/logged_model.h"
#include "tracking/run_import.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::tracking {

// What one call added.
struct LoggedModelTally {
  std::int64_t models = 0;
  std::int64_t params = 0;
  std::int64_t tags = 0;
  std::int64_t metrics = 0;
  std::int64_t files = 0;
  LoggedModelTally& operator+=(const LoggedModelTally& other);
};

class LoggedModelImporter {
 public:
  LoggedModelImporter(metadata::Database& database, const Clock& clock, ImportMode mode)
      : database_(database), clock_(clock), mode_(mode) {}

  // Begins a model: its record, params, tags and metrics, in `experiment`. A model that is here and
  // pending takes their status. Of the metrics of one key and dataset the latest is taken. Findings
  // name what was left out, and params that differ. Conflict when a model of this id is in another
  // experiment here, or has another name; InvalidArgument for a name that we don't allow.
  Result<LoggedModelTally> begin_model(const LoggedModel& theirs, const ExperimentId& experiment,
                                       std::vector<Finding>& findings);
  // Whether the model begun last has a file of that path; its size then.
  Result<std::optional<std::int64_t>> file_size(const std::string& path) const;
  // Of a blob that is stored. InvalidArgument for a path that is none.
  Result<LoggedModelTally> add_file(const Artifact& file);

 private:
  metadata::Database& database_;
  const Clock& clock_;
  ImportMode mode_;
  std::string model_;
};

}  // namespace martlet::tracking
