// lifecycle/internal/database_models.h: logged and registered models of MLflow's own database. A
// database of a version that has no logged models has no such tables, and nothing is read.
#pragma once
#include "lifecycle/internal/import_source.h"

#include <functional>

namespace martlet::metadata {
class ForeignFile;
}

namespace martlet::lifecycle {

Result<void>
database_logged_models(const metadata::ForeignFile& file, const tracking::Experiment& experiment,
                       Findings& findings,
                       const std::function<Result<void>(const SourceLoggedModel&)>& visit);

Result<void>
database_registered_models(const metadata::ForeignFile& file, Findings& findings,
                           const std::function<Result<void>(const SourceRegisteredModel&)>& visit);

// The logged models that the run read and made.
Result<void> database_run_models(const metadata::ForeignFile& file, tracking::Run& run);

}  // namespace martlet::lifecycle
