#include "workflow/step_key.h"

#include "base/text.h"

#include <vector>

namespace martlet::workflow {

namespace {

constexpr std::size_t kShown = 3;
constexpr std::size_t kShownBytes = 40;

void compare(const Json& before, const Json& now, const std::string& path,
             std::vector<std::string>& differences) {
  if (before == now) return;
  if (before.is_object() && now.is_object()) {
    for (const auto& [name, value] : now.items()) {
      const auto found = before.find(name);
      const std::string inner = path.empty() ? name : path + "." + name;
      if (found == before.end()) {
        differences.push_back(inner + " is new");
      } else {
        compare(*found, value, inner, differences);
      }
    }
    for (const auto& [name, value] : before.items()) {
      if (!now.contains(name))
        differences.push_back((path.empty() ? name : path + "." + name) + " is gone");
    }
    return;
  }
  const std::string old_text = to_text(before);
  const std::string new_text = to_text(now);
  const bool short_enough = old_text.size() <= kShownBytes && new_text.size() <= kShownBytes;
  differences.push_back(short_enough ? path + " was " + old_text + ", is " + new_text
                                     : path + " differs");
}

}  // namespace

Json step_ingredients(const Component& component, const std::string& code_version,
                      const Json& parameters, const std::map<std::string, Json>& inputs) {
  Json given = Json::object();
  for (const auto& [name, value] : inputs) given[name] = value;
  return Json{{"component", component.name},
              {"component_version", component.version},
              {"code_version", code_version},
              {"parameters", parameters},
              {"inputs", std::move(given)}};
}

std::string describe_difference(const Json& before, const Json& now) {
  std::vector<std::string> differences;
  compare(before, now, "", differences);
  if (differences.empty()) return "its key was not in the cache";
  const std::size_t all = differences.size();
  if (all > kShown) {
    differences.resize(kShown);
    differences.push_back("and " + std::to_string(all - kShown) + " more");
  }
  return join(differences, "; ");
}

}  // namespace martlet::workflow
