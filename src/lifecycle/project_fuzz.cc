// Any bytes as martlet.yaml: findings that lie inside the file, or a project.
#include "lifecycle/project.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const auto project = martlet::lifecycle::parse_project(text, "martlet.yaml", "/project");
  if (project.has_value()) {
    MARTLET_CHECK(!project->main_dataset().name.empty(), "a project has rows to learn from");
    return 0;
  }
  MARTLET_CHECK(project.error().code() == martlet::ErrorCode::InvalidArgument, "the file's fault");
  MARTLET_CHECK(!project.error().findings().empty(), "a refusal without a finding");
  const auto lines =
      std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r') + 2;
  for (const martlet::Finding& finding : project.error().findings())
    MARTLET_CHECK(finding.line >= 0 && finding.line <= lines, "a finding lies inside the file");
  return 0;
}
