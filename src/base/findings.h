// base/findings.h: what those share who collect findings one by one.
#pragma once
#include "base/finding.h"

#include <string>
#include <string_view>
#include <vector>

namespace martlet {

using Findings = std::vector<Finding>;

// Adds one that has no position.
void add_finding(Findings& findings, std::string path, std::string_view rule, std::string message);

}  // namespace martlet
