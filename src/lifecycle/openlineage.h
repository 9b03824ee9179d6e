// lifecycle/openlineage.h: OpenLineage events of pipeline runs and their steps: made of what the
// store recorded, kept in an outbox, sent to a file or over HTTP.
//
// What is told of a run follows from its records alone, and each event has an id of its own
// (tracking/openlineage_outbox.h): after a kill the next look at the run tells what is missing, and
// nothing twice. A receiver may get an event twice when the process was killed between sending and
// noting it. No trouble with any of it makes a run fail: it is logged.
#pragma once
#include "base/cancel.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "net/url_guard.h"
#include "tracking/openlineage_config.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace martlet::lifecycle {

inline constexpr std::int64_t kLineageAttempts = 16;  // 2 s, 8 s, 32 s … an hour apart

struct LineageOptions {
  // Which addresses may be called; none: any.
  std::optional<net::UrlPolicy> policy;
  // The value of a process variable that the URL or the token stands in.
  std::function<std::optional<std::string>(const std::string& name)> variable;
};

struct LineageTally {
  std::int64_t sent = 0;
  std::int64_t given_up = 0;  // after kLineageAttempts, or refused for good
  std::int64_t waiting = 0;
};

// Every event of a run as its records stand, in order: of a pipeline run and its steps, or of a run
// that a client tracked. `run` as find_tracked_run() understands it. NotFound, InvalidArgument.
Result<std::vector<Json>> openlineage_of(const Store& store, const std::string& run,
                                         const std::string& name_space);

// Whether the end of a run itself is told: what it ran on is only known once it was tracked.
enum class RunEnd : std::uint8_t { Tell, NotYet };

// Owes the receiver what a pipeline run has to tell and was not told of before.
Result<void> owe_lineage(const Store& store, const RunId& run, const std::string& name_space,
                         RunEnd end = RunEnd::Tell);
// Owes what the newest runs have to tell that were told of and have ended since: their process may
// have been killed before it could.
Result<void> catch_up_on_lineage(const Store& store, const std::string& name_space);

// Where events go: the section, and the folder that its file is relative to.
struct LineageReceiver {
  tracking::OpenLineageConfig config;
  std::string directory;
};
LineageReceiver receiver_of(const Project& project);

// Sends what waits, in order, until there is nothing left, one can't be sent now, or the deadline
// comes. An Error means that the store failed, or Cancelled.
Result<LineageTally> send_lineage(const Store& store, const LineageReceiver& receiver,
                                  const LineageOptions& options, Deadline deadline,
                                  const CancelToken& cancel);

// Tells of a run while it goes on: a thread of its own sends what is owed, so that a slow receiver
// holds up nothing. Does nothing for a project without `openlineage:`. The store must outlive it.
// Thread-safe.
class LineageReporter {
 public:
  LineageReporter(const Store& store, LineageReceiver receiver, LineageOptions options);
  ~LineageReporter();
  LineageReporter(const LineageReporter&) = delete;
  LineageReporter& operator=(const LineageReporter&) = delete;

  // Something of the run's steps has changed.
  void tell(const RunId& run);
  // The run has ended, and was tracked.
  void tell_end(const RunId& run);
  // Sends what is left for at most a few seconds; what remains waits for the next run, or for
  // `martlet lineage send`.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;  // null when there is nothing to do
};

}  // namespace martlet::lifecycle
