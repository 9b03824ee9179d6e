#include "cli/lineage_options.h"

#include <cstdlib>

namespace martlet::cli {

lifecycle::LineageOptions lineage_options() {
  lifecycle::LineageOptions options;
  options.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return options;
}

}  // namespace martlet::cli
