// workflow/graph.h: a pipeline drawn: as text, Mermaid, Graphviz dot, SVG or JSON. Pure functions.
#pragma once
#include "base/result.h"
#include "workflow/pipeline.h"

#include <map>
#include <string>
#include <string_view>

namespace martlet::workflow {

// `status` may give a word per step ("succeeded", "cached"), shown beside its name. The pipeline
// must have passed check(). Formats: text, mermaid, dot, svg, json; InvalidArgument for others.
Result<std::string> draw(const Pipeline& pipeline, std::string_view format,
                         const std::map<std::string, std::string>& status = {});

}  // namespace martlet::workflow
