// tracking/model_history.h: the models that clients without logged models note at a run: a JSON
// list in a tag of it.
//
// A free function inside the caller's transaction.
#pragma once
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"

#include <string_view>

namespace martlet::metadata {
class Transaction;
}

namespace martlet::tracking {

inline constexpr std::string_view kModelHistoryTag = "mlflow.log-model.history";

// Puts `model` at the list's end; a tag that holds no list is replaced by one. NotFound for an
// unknown run; InvalidArgument for a deleted one, and when the list is too long for a tag.
Result<void> add_to_model_history(metadata::Transaction& tx, const RunId& run, const Json& model);

}  // namespace martlet::tracking
