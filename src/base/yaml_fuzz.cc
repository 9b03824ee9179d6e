// Any bytes as YAML: findings with positions inside the text, or a tree of bounded depth every node
// of which can be read in every way.
#include "base/yaml.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using martlet::Finding;
using martlet::Yaml;
using martlet::YamlObject;

void read_all(const Yaml& node, int depth) {
  MARTLET_CHECK(depth <= 64, "depth is bounded");
  std::vector<Finding> findings;
  static_cast<void>(node.as_text(findings));
  static_cast<void>(node.as_number(findings));
  static_cast<void>(node.as_integer(findings));
  static_cast<void>(node.as_boolean(findings));
  static_cast<void>(node.as_duration(findings));
  static_cast<void>(node.as_share(findings));
  static_cast<void>(node.as_size_bytes(findings));
  static_cast<void>(node.as_texts(findings));
  YamlObject object(node, findings);
  static_cast<void>(object.text("name"));
  static_cast<void>(object.one_of("type", {"integer", "number"}));
  object.finish();
  for (const Yaml& item : node.items()) read_all(item, depth + 1);
  for (const auto& entry : node.entries()) {
    MARTLET_CHECK(node.find(entry.first) != nullptr, "a key is found");
    read_all(entry.second, depth + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto root = Yaml::parse(text, "fuzz.yaml");
  if (!root.has_value()) {
    const auto lines =
        std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r') + 2;
    for (const Finding& finding : root.error().findings())
      MARTLET_CHECK(finding.line >= 0 && finding.line <= lines, "a finding lies inside the text");
    return 0;
  }
  read_all(*root, 0);
  const auto json = martlet::parse_json(martlet::to_text(root->to_json()),
                                        {.size_bytes = 64U << 20, .depth = 80});
  MARTLET_CHECK(json.has_value(), "a tree becomes JSON");
  return 0;
}
