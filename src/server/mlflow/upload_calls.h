// server/mlflow/upload_calls.h: large files in parts: begun, sent part by part in any order,
// completed or aborted. What is sent again replaces what came before, so a part can be repeated.
#pragma once
#include "server/mlflow/artifact_calls.h"

namespace martlet::server::mlflow {

// All of it outlives the router's use.
void add_upload_calls(Calls& calls, const ArtifactContext& context);

}  // namespace martlet::server::mlflow
