// cli/lineage_options.h: how a project's OpenLineage receiver is reached by a person's own command.
#pragma once
#include "lifecycle/openlineage.h"

namespace martlet::cli {

// Any address; process variables as they are.
lifecycle::LineageOptions lineage_options();

}  // namespace martlet::cli
