// deployment/prediction_sink.h: where predictions are reported to. Deployment owns the interface;
// lifecycle implements it and connects it to monitoring's log.
#pragma once
#include "base/time.h"
#include "columns/cell.h"
#include "registry/names.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace martlet::deployment {

// Owns nothing: what it points to is valid while record() runs.
struct PredictionEvent {
  std::string_view id;                 // returned to the caller
  std::span<const columns::Cell> key;  // one cell per ServedModel::key(), missing where the request
                                       // named none
  Timestamp at;                        // when it was answered, by the calendar
  registry::Version version;           // of the model
  double score = 0;
  double predicted = 0;                // the decision (0 or 1), or the number
  std::int64_t latency_micros = 0;     // of the whole request: each of its rows waited that long
  bool failed = false;                 // no answer was given; score and predicted mean nothing
  std::span<const columns::Cell> row;  // one cell per ServedModel::inputs()
};

class PredictionSink {
 public:
  virtual ~PredictionSink() = default;
  // From many threads at once, on the request path: must not block. False when the event was shed;
  // the caller is answered all the same, and the sink counts what it sheds.
  virtual bool record(const PredictionEvent& event) = 0;
};

}  // namespace martlet::deployment
