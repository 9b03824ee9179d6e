// workflow/runner.h: runs pipelines durably.
//
// Every change of state is one transaction; a step's outputs and its success are committed
// together, with the entry in the step cache. After kill -9 the run goes on with resume(): finished
// steps are not repeated, a step that was running is tried again. One process drives a run at a
// time: it holds the run's fence, and a late result of a process that lost it is refused.
//
// Lifetime: one per process, built by lifecycle/; all references must outlive it. Thread-safe; a
// call runs until its run has ended.
#pragma once
#include "base/cancel.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "workflow/component.h"
#include "workflow/pipeline.h"
#include "workflow/records.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace martlet::metadata {
class Database;
}
namespace martlet::artifacts {
class BlobStore;
}

namespace martlet::workflow {

enum class CacheUse : std::uint8_t { ReadAndWrite, WriteOnly };

struct RunOptions {
  int workers = 2;  // steps at once
  CacheUse cache = CacheUse::ReadAndWrite;
  // These steps and all that follow are computed anew, whatever the cache holds.
  std::vector<std::string> from = {};
  CancelToken cancel = {};
  // Called after each committed change of a step, from any thread, one call at a time.
  std::function<void(const StepRecord&)> on_step = {};
  // A line that a step logged.
  std::function<void(const std::string& step, std::string_view line)> on_line = {};
};

struct RunOutcome {
  PipelineRunRecord run;
  std::vector<StepRecord> steps;  // in the pipeline's order
};

class Runner {
 public:
  struct Environment {
    metadata::Database& database;
    artifacts::BlobStore& blobs;
    FileSystem& files;
    const Clock& clock;
    Random& random;
    Log& log;
    const ComponentTable& components;
    std::string code_version;    // of the program: part of every step's key
    std::string logs_directory;  // <logs_directory>/<run>/<step>.log
    std::string process;         // who drives: "host:pid:start"
    std::function<bool(const std::string& process)>
        is_alive;  // whether such a process of this host still runs
  };
  explicit Runner(Environment environment) : environment_(std::move(environment)) {}

  // Checks the pipeline, records the run and drives it to its end. The outcome says how it ended;
  // an Error means that it could not be driven (InvalidArgument: the pipeline is wrong;
  // Unavailable: the store failed, resume() goes on from there).
  Result<RunOutcome> run(const Pipeline& pipeline, const Json& parameters,
                         const RunOptions& options);

  // Goes on with a run that was interrupted, failed or cancelled. NotFound; Conflict while another
  // living process drives it.
  Result<RunOutcome> resume(const RunId& run, const RunOptions& options);

  Result<RunOutcome> look(const RunId& run) const;
  // Newest first.
  Result<std::vector<PipelineRunRecord>> list(std::int64_t limit) const;
  // What a step logged; "" when nothing. NotFound for an unknown run or step.
  Result<std::string> log_of(const RunId& run, const std::string& step) const;

 private:
  class Drive;
  Environment environment_;
};

}  // namespace martlet::workflow
