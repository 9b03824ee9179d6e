// lifecycle/internal/server_models.h: logged and registered models of an MLflow server. One of a
// version that knows no logged models has none.
#pragma once
#include "lifecycle/internal/server_reader.h"

#include <functional>

namespace martlet::lifecycle {

Result<void>
server_logged_models(ServerReader& reader, const tracking::Experiment& experiment,
                     Findings& findings,
                     const std::function<Result<void>(const SourceLoggedModel&)>& visit);

Result<void>
server_registered_models(ServerReader& reader, Findings& findings,
                         const std::function<Result<void>(const SourceRegisteredModel&)>& visit);

}  // namespace martlet::lifecycle
