// cli/lineage_view.h: a lineage drawn: as a tree for people, as a graph for Mermaid and Graphviz.
// Pure functions.
#pragma once
#include "base/result.h"
#include "lifecycle/lineage.h"

#include <string>
#include <string_view>

namespace martlet::cli {

// Lines, each with its end. Formats: text, mermaid, dot. InvalidArgument for others.
Result<std::string> draw(const lifecycle::Lineage& lineage, std::string_view format);

}  // namespace martlet::cli
