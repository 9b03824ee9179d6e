// cli/model_view.h: registered models and versions as the verbs of `models` show them.
#pragma once
#include "base/json.h"
#include "registry/model_version.h"

#include <string>

namespace martlet::cli {

Json model_json(const registry::RegisteredModel& model);
Json version_json(const registry::ModelVersion& version);
// "live in production, challenger in experiment"
std::string aliases_text(const registry::ModelVersion& version);
// The short digest of its package, or its source.
std::string content_text(const registry::ModelVersion& version);

}  // namespace martlet::cli
