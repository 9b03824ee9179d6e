// lifecycle/internal/file_models.h: logged and registered models of MLflow's file store:
// `<experiment>/models/<id>` and `models/<name>/version-<number>`.
#pragma once
#include "lifecycle/internal/file_store_reader.h"

#include <functional>
#include <string>

namespace martlet::lifecycle {

// `folder`: of the experiment.
Result<void> file_logged_models(FileStoreReader& reader, const std::string& folder,
                                const tracking::Experiment& experiment, Findings& findings,
                                const std::function<Result<void>(const SourceLoggedModel&)>& visit);

// `folder`: that holds a folder of each model.
Result<void>
file_registered_models(FileStoreReader& reader, const std::string& folder, Findings& findings,
                       const std::function<Result<void>(const SourceRegisteredModel&)>& visit);

}  // namespace martlet::lifecycle
