// tracking/run_import.h: runs that another store recorded, taken over as they were: with their own
// ids, times, statuses and lifecycle.
//
// An import only adds: what is there already stays as it is, so importing the same again changes
// nothing, and an import that was killed goes on by beginning anew. Each call is one transaction.
// What our rules for keys and lengths (check_batch) don't allow is left out and told, never cut.
// Lifetime: of one import; the database must outlive it. One thread at a time. Caller: lifecycle's
// import.
#pragma once
#include "base/clock.h"
#include "base/finding.h"
#include "base/result.h"
#include "tracking/run.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata {
class Database;
}

namespace martlet::tracking {

// What one call added.
struct ImportTally {
  std::int64_t runs = 0;
  std::int64_t params = 0;
  std::int64_t tags = 0;
  std::int64_t points = 0;
  std::int64_t inputs = 0;
  std::int64_t artifacts = 0;
  std::int64_t models = 0;  // that it read or made

  ImportTally& operator+=(const ImportTally& other);
  bool nothing() const { return runs + params + tags + points + inputs + artifacts + models == 0; }
};

// Whether to write; a rehearsal counts the same and writes nothing.
enum class ImportMode : std::uint8_t { Write, Rehearse };

class RunImporter {
 public:
  RunImporter(metadata::Database& database, const Clock& clock, ImportMode mode)
      : database_(database), clock_(clock), mode_(mode) {}

  // The experiment of the same name here. When there is none: a new one with its times, tags and
  // lifecycle, under its own id if that is a number below 2^31 which nobody has, else under the
  // next one. InvalidArgument for a name that we don't allow.
  struct Placed {
    ExperimentId id;  // empty in a rehearsal of one that would be new
    bool added = false;
  };
  Result<Placed> experiment(const Experiment& theirs);

  // Begins a run: its record, params, tags, inputs and the logged models that it read and made, in
  // `experiment`. A run that is there and has not ended takes their ending. A deleted one without a
  // time was deleted now, as far as is known here. Findings name what was left out. Conflict when a
  // run of this id is in another experiment here: it is another run. Metrics and artifacts in
  // `theirs` are not looked at.
  Result<ImportTally> begin_run(const Run& theirs, const ExperimentId& experiment,
                                std::vector<Finding>& findings);
  // Points of the run begun last, as they come; those that are there are passed over.
  Result<ImportTally> add_points(std::span<const Metric> points, std::vector<Finding>& findings);
  // Whether the run begun last has an artifact of that path; its size then.
  Result<std::optional<std::int64_t>> artifact_size(const std::string& path) const;
  // Of a blob that is stored. InvalidArgument for a path that is none.
  Result<ImportTally> add_artifact(const Artifact& artifact);

 private:
  struct Identity {
    std::int64_t at = 0;
    std::int64_t step = 0;
    std::uint64_t bits = 0;
    auto operator<=>(const Identity&) const = default;
  };
  // What is known of a metric of the run begun last.
  struct Known {
    bool allowed = true;
    std::vector<Identity> before;  // the points that were there, sorted
  };
  static Identity identity_of(const Metric& point);
  Result<Known*> known(const std::string& key, std::vector<Finding>& findings);

  metadata::Database& database_;
  const Clock& clock_;
  ImportMode mode_;
  RunId run_;
  bool is_new_ = true;
  std::map<std::string, Known, std::less<>> metrics_;
};

}  // namespace martlet::tracking
