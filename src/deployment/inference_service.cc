#include "deployment/inference_service.h"

namespace martlet::deployment {

namespace {

void put_hex(char*& out, std::uint64_t value, int digits) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) *out++ = kHex[(value >> shift) & 15];
}

// The layout of new_id(): 48 bits of milliseconds, then 80 bits, here 16 random ones and a counter
// from a random start, so that ids of one request sort by its rows and cost no randomness each.
std::array<char, 32> id_of(std::uint64_t millis, std::uint64_t high, std::uint64_t count) {
  std::array<char, 32> id{};
  char* out = id.data();
  put_hex(out, millis, 12);
  put_hex(out, high, 4);
  put_hex(out, count, 16);
  return id;
}

// Takes rows out of a batch, with the cells in the order of `fields`; missing where it lacks one.
class RowReader {
 public:
  template <class Fields>
  RowReader(const columns::Batch& rows, const Fields& fields) {
    for (const auto& field : fields) columns_.push_back({rows.find(field.name), field.type});
  }
  // Valid until the next call, and as long as the batch.
  std::span<const columns::Cell> row(std::size_t at) {
    cells_.clear();
    for (const auto& [column, type] : columns_)
      cells_.push_back(column != nullptr && at < column->size() ? column->cell(at)
                                                                : columns::Cell::none(type));
    return cells_;
  }

 private:
  std::vector<columns::Cell> cells_;
  std::vector<std::pair<const columns::Column*, columns::Type>> columns_;
};

}  // namespace

InferenceService::InferenceService(ModelSlot& slot, PredictionSink* sink, const Clock& clock,
                                   Random& random, Admission& admission)
    : slot_(slot), sink_(sink), clock_(clock), admission_(admission),
      id_high_(random.next() & 0xFFFF), id_next_(random.next()) {}

Result<std::shared_ptr<const LiveModel>> InferenceService::live(std::string_view model,
                                                                std::string_view version) const {
  std::shared_ptr<const LiveModel> live = slot_.live();
  if (live == nullptr) {
    return unavailable("answering the request: no model is live yet; train and promote one, or try "
                       "again once it is loaded");
  }
  const ServedModel& served = live->model();
  if (!model.empty() && model != served.name().text()) {
    return not_found("there is no model \"" + std::string(model.substr(0, 250)) +
                     "\" here; this server answers for \"" + served.name().text() + "\"");
  }
  if (!version.empty() && version != std::to_string(served.version().number)) {
    return not_found("version " + std::string(version.substr(0, 32)) + " of \"" +
                     served.name().text() + "\" is not live; version " +
                     std::to_string(served.version().number) + " is");
  }
  return live;
}

std::uint64_t InferenceService::millis() const {
  return static_cast<std::uint64_t>(clock_.now().micros / 1000);
}

std::vector<std::string> InferenceService::new_ids(std::size_t count) {
  std::uint64_t next = id_next_.fetch_add(count, std::memory_order_relaxed);
  const std::uint64_t now = millis();
  std::vector<std::string> ids(count);
  for (std::string& id : ids) {
    const std::array<char, 32> text = id_of(now, id_high_, next++);
    id.assign(text.data(), text.size());
  }
  return ids;
}

PredictionSink* InferenceService::sink_of(const ServedModel& model) const {
  return model.sink() != nullptr ? model.sink() : sink_;
}

void InferenceService::tell(PredictionSink& sink, const PredictionEvent& event) {
  if (!sink.record(event)) shed_.fetch_add(1, std::memory_order_relaxed);
}

void InferenceService::report(const LiveModel& live, const columns::Batch& rows,
                              const columns::Batch& keys, const Answer& answer, bool failed) {
  const ServedModel& model = live.model();
  PredictionSink* const sink = sink_of(model);
  if (sink == nullptr) return;
  RowReader inputs(rows, model.inputs());
  RowReader key(keys, model.key().fields());
  PredictionEvent event;
  event.at = clock_.now();
  event.version = model.version();
  event.latency_micros = answer.latency.count();
  event.failed = failed;
  for (std::size_t i = 0; i < answer.ids.size(); ++i) {
    event.id = answer.ids[i];
    event.key = key.row(i);
    event.score = failed ? 0 : answer.scores[i];
    event.predicted = failed ? 0 : answer.predicted[i];
    event.row = inputs.row(i);
    tell(*sink, event);
  }
}

Result<RowReply> InferenceService::answer_row(const LiveModel& live,
                                              std::span<const columns::Cell> row,
                                              std::span<const columns::Cell> key) {
  const ServedModel& model = live.model();
  const auto began = clock_.monotonic();
  const Result<RowAnswer> scored = model.predict_row(row);
  const auto took = clock_.monotonic() - began;
  const Timestamp now = clock_.now();
  RowReply reply;
  reply.id = id_of(static_cast<std::uint64_t>(now.micros / 1000), id_high_,
                   id_next_.fetch_add(1, std::memory_order_relaxed));
  if (scored.has_value()) {
    reply.score = scored->score;
    reply.predicted = scored->predicted;
    live.count_answered(1);
  } else {
    live.count_failed();
  }
  if (PredictionSink* const sink = sink_of(model)) {
    tell(*sink,
         {.id = reply.id_text(),
          .key = key,
          .at = now,
          .version = model.version(),
          .score = reply.score,
          .predicted = reply.predicted,
          .latency_micros = std::chrono::duration_cast<std::chrono::microseconds>(took).count(),
          .failed = !scored.has_value(),
          .row = row});
  }
  if (!scored.has_value()) return fail(scored.error());
  return reply;
}

Result<Answer> InferenceService::answer(const LiveModel& live, const columns::Batch& rows,
                                        const columns::Batch& keys,
                                        const features::ApplyOptions& options) {
  const ServedModel& model = live.model();
  if (keys.rows() != 0 && keys.rows() != rows.rows()) {
    return invalid_argument("answering the request: " + std::to_string(keys.rows()) + " keys for " +
                            std::to_string(rows.rows()) + " rows");
  }
  const auto began = clock_.monotonic();
  Result<Answers> scored = model.predict(rows, options);
  Answer answer;
  answer.latency =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.monotonic() - began);
  answer.ids = new_ids(rows.rows());
  if (!scored.has_value()) {
    live.count_failed();
    report(live, rows, keys, answer, true);
    return fail(std::move(scored).error());
  }
  answer.model = model.name().text();
  answer.version = std::to_string(model.version().number);
  answer.scores = std::move(scored->scores);
  answer.predicted = std::move(scored->predicted);
  answer.binary = model.binary();
  live.count_answered(rows.rows());
  report(live, rows, keys, answer, false);
  return answer;
}

Result<Answer> InferenceService::answer(std::string_view name, const columns::Batch& rows,
                                        const columns::Batch& keys,
                                        const features::ApplyOptions& options) {
  MARTLET_TRY_SET(const Admission::Ticket ticket, admit());
  MARTLET_TRY_SET(const std::shared_ptr<const LiveModel> current, live(name));
  return answer(*current, rows, keys, options);
}

}  // namespace martlet::deployment
