// tracking/openlineage_config.h: the section `openlineage:` of the project file: where events of
// its runs go. A value and a pure function.
#pragma once
#include "base/finding.h"
#include "base/yaml.h"

#include <optional>
#include <string>
#include <vector>

namespace martlet::tracking {

struct OpenLineageConfig {
  bool declared = false;
  std::string file;                    // relative to the project's folder; or
  std::string url;                     // an http or https URL, or "${env:NAME}"
  std::string token;                   // of the receiver: "${env:NAME}", or ""
  std::string name_space = "martlet";  // of jobs and datasets

  // The NAMEs of process variables that url and token stand in.
  std::vector<std::string> variables() const;
};

OpenLineageConfig read_openlineage(const Yaml& node, std::vector<Finding>& findings);

// NAME of "${env:NAME}".
std::optional<std::string> variable_named_by(const std::string& text);

}  // namespace martlet::tracking
