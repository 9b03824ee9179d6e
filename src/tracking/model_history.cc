#include "tracking/model_history.h"

#include "metadata/database.h"
#include "tracking/internal/records.h"
#include "tracking/tracker.h"

namespace martlet::tracking {

Result<void> add_to_model_history(metadata::Transaction& tx, const RunId& run, const Json& model) {
  MARTLET_TRY_SET(const auto tag, tx.get<TagRecord>(run, kModelHistoryTag));
  Json history = Json::array();
  if (tag.has_value()) {
    auto kept = parse_json(tag->value);
    if (kept.has_value() && kept->is_array()) history = std::move(*kept);
  }
  history.push_back(model);
  RunBatch batch;
  batch.tags[std::string(kModelHistoryTag)] = to_text(history);
  return Tracker::log(tx, run, batch);
}

}  // namespace martlet::tracking
