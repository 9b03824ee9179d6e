// tracking/trace.h: traces: what one call of an application did, span by span, as MLflow's clients
// record it. The spans themselves are a file of the trace; here is what it is found by.
//
// Values, and Traces, which reads and writes them: thread-safe, each call is one transaction.
#pragma once
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "metadata/also.h"
#include "tracking/run.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::metadata {
class Database;
}

namespace martlet::tracking {

struct Trace {
  std::string id;  // the client's: "tr-" and 32 hexadecimal digits
  ExperimentId experiment;
  Timestamp requested;
  std::optional<std::int64_t> duration_micros;
  std::string state;              // "OK", "ERROR", "IN_PROGRESS", "STATE_UNSPECIFIED"
  Json details = Json::object();  // previews, the client's own id: not interpreted here
  Texts tags;
  Texts metadata;
};

struct TraceSearch {
  std::vector<ExperimentId> experiments;
  // The search language over the attributes status, timestamp_ms, execution_time_ms, request_id and
  // name (the tag mlflow.traceName), run_id (the metadata mlflow.sourceRun), tags.KEY and
  // metadata.KEY.
  std::string filter;
  std::vector<std::string> order_by;  // "timestamp_ms ASC", "execution_time_ms"; none: newest first
  std::int64_t limit = 100;
  std::int64_t offset = 0;
};

struct TracePage {
  std::vector<Trace> traces;
  bool more = false;
};

class Traces {
 public:
  explicit Traces(metadata::Database& database) : database_(database) {}

  // Replaces what was known of a trace of that id, but for tags that it doesn't name. NotFound for
  // an unknown experiment, InvalidArgument for a deleted one and for an id that is none.
  Result<Trace> put(const Trace& trace, const metadata::Also<Trace>& also = {});
  Result<Trace> trace(const std::string& id) const;  // NotFound
  Result<void> set_tag(const std::string& id, const std::string& key, const std::string& value);
  Result<void> remove_tag(const std::string& id, const std::string& key);  // NotFound
  Result<TracePage> search(const TraceSearch& search) const;
  // Of one experiment: those named, or the oldest up to an instant, `most` of them at most (none:
  // all); how many.
  Result<std::int64_t> remove(const ExperimentId& experiment, const std::vector<std::string>& ids,
                              std::optional<Timestamp> up_to, std::optional<std::int64_t> most);

 private:
  metadata::Database& database_;
};

}  // namespace martlet::tracking
