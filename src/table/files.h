// table/files.h: which files a path or a pattern means.
#pragma once
#include "base/result.h"

#include <span>
#include <string>
#include <vector>

namespace martlet::table {

class Engine;

// The files that the paths and glob patterns (*, ?, [a-z], **) name: in the order of the patterns,
// those of one pattern sorted by byte, each file once. NotFound, naming the pattern, when one
// matches nothing; InvalidArgument when there are no patterns.
Result<std::vector<std::string>> find_files(std::span<const std::string> patterns);
// The same with an engine that may read files.
Result<std::vector<std::string>> find_files(Engine& engine, std::span<const std::string> patterns);

}  // namespace martlet::table
