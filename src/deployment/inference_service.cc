#include "deployment/inference_service.h"

namespace martlet::deployment {

namespace {

void append_hex(std::string& out, std::uint64_t value, int digits) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += kHex[(value >> shift) & 15];
}

// Takes rows out of a batch, with the cells in the order of `fields`; missing where it lacks one.
class RowReader {
 public:
  template <class Fields>
  RowReader(const columns::Batch& rows, const Fields& fields) {
    for (const auto& field : fields) columns_.push_back({rows.find(field.name), field.type});
  }
  columns::Row row(std::size_t at) const {
    columns::Row row(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const auto& [column, type] = columns_[i];
      row.set(i, column != nullptr && at < column->size() ? column->cell(at)
                                                          : columns::Cell::none(type));
    }
    return row;
  }

 private:
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

// The layout of new_id(): 48 bits of milliseconds, then 80 bits, here 16 random ones and a counter
// from a random start, so that ids of one request sort by its rows and cost no randomness each.
std::vector<std::string> InferenceService::new_ids(std::size_t count) {
  std::uint64_t next = id_next_.fetch_add(count, std::memory_order_relaxed);
  const auto millis = static_cast<std::uint64_t>(clock_.now().micros / 1000);
  std::vector<std::string> ids(count);
  for (std::string& id : ids) {
    id.reserve(32);
    append_hex(id, millis, 12);
    append_hex(id, id_high_, 4);
    append_hex(id, next++, 16);
  }
  return ids;
}

void InferenceService::report(const LiveModel& live, const columns::Batch& rows,
                              const columns::Batch& keys, const Answer& answer, bool failed) {
  if (sink_ == nullptr) return;
  const ServedModel& model = live.model();
  const RowReader inputs(rows, model.inputs());
  const RowReader key(keys, model.key().fields());
  const Timestamp at = clock_.now();
  for (std::size_t i = 0; i < answer.ids.size(); ++i) {
    PredictionEvent event;
    event.id = PredictionId(answer.ids[i]);
    event.key = key.row(i);
    event.at = at;
    event.version = model.version();
    event.score = failed ? 0 : answer.scores[i];
    event.predicted = failed ? 0 : answer.predicted[i];
    event.latency_micros = answer.latency.count();
    event.failed = failed;
    event.row = inputs.row(i);
    event.model = &model;
    if (!sink_->record(std::move(event))) shed_.fetch_add(1, std::memory_order_relaxed);
  }
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
