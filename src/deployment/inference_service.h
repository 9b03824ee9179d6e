// deployment/inference_service.h: from raw rows to an answer with prediction ids, by whichever
// model is live, and reported to the sink.
//
// One per deployment, made by lifecycle; everything given to the constructor outlives it.
// Thread-safe, without locks on the way of a request. Called by server/ (HTTP), simulate and batch.
// Never here: transport, encodings, the prediction log itself.
#pragma once
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "columns/batch.h"
#include "deployment/admission.h"
#include "deployment/model_slot.h"
#include "deployment/prediction_sink.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::deployment {

// One entry per row in each list.
struct Answer {
  std::string model;
  std::string version;  // "3"
  std::vector<double> scores;
  std::vector<double> predicted;  // binary: 0 or 1; else the score
  bool binary = true;
  std::vector<std::string> ids;  // of the predictions
  std::chrono::microseconds latency{0};
};

// The answer to one row; the caller knows the model.
struct RowReply {
  double score = 0;
  double predicted = 0;
  std::array<char, 32> id{};
  std::string_view id_text() const { return {id.data(), id.size()}; }
};

class InferenceService {
 public:
  // `sink` is told of what models without one of their own answer; null: nobody is. `random` is
  // used here only, so a seeded one will do. An id is unique among processes by 80 bits of it.
  InferenceService(ModelSlot& slot, PredictionSink* sink, const Clock& clock, Random& random,
                   Admission& admission);
  InferenceService(const InferenceService&) = delete;
  InferenceService& operator=(const InferenceService&) = delete;

  // A place among the requests in flight: to be had before work is put into a request. Unavailable.
  Result<Admission::Ticket> admit() { return admission_.enter(); }
  // The live model, if it's the one of that name and version; "" means any. NotFound when another
  // is asked for; Unavailable when none is live.
  Result<std::shared_ptr<const LiveModel>> live(std::string_view model = "",
                                                std::string_view version = "") const;

  // Answers by a model from live(), which may have been replaced since; the caller holds a ticket.
  // `keys` has the columns of ServedModel::key(), by name, or none; as many rows as `rows`, or
  // none. Errors: those of ServedModel::predict(), which are reported to the sink as failed
  // predictions.
  Result<Answer> answer(const LiveModel& live, const columns::Batch& rows,
                        const columns::Batch& keys = {},
                        const features::ApplyOptions& options = {});
  // The same for one row, given as one cell per inputs() and one per key(), in their order:
  // nothing is copied or allocated on the way. The same bits as answer().
  Result<RowReply> answer_row(const LiveModel& live, std::span<const columns::Cell> row,
                              std::span<const columns::Cell> key);
  // All three in one, for callers without a transport.
  Result<Answer> answer(std::string_view model, const columns::Batch& rows,
                        const columns::Batch& keys = {},
                        const features::ApplyOptions& options = {});

  const ModelSlot& slot() const { return slot_; }
  const Admission& admission() const { return admission_; }
  // Events that the sink took nothing of.
  std::uint64_t shed() const { return shed_.load(std::memory_order_relaxed); }

 private:
  std::uint64_t millis() const;
  std::vector<std::string> new_ids(std::size_t count);
  void report(const LiveModel& live, const columns::Batch& rows, const columns::Batch& keys,
              const Answer& answer, bool failed);
  PredictionSink* sink_of(const ServedModel& model) const;
  void tell(PredictionSink& sink, const PredictionEvent& event);

  ModelSlot& slot_;
  PredictionSink* sink_;
  const Clock& clock_;
  Admission& admission_;
  std::uint64_t id_high_;               // 16 bits, of this service
  std::atomic<std::uint64_t> id_next_;  // counts from a random start
  std::atomic<std::uint64_t> shed_{0};
};

}  // namespace martlet::deployment
