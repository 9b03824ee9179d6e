#include "tracking/openlineage_config.h"

#include <algorithm>

namespace martlet::tracking {

std::optional<std::string> variable_named_by(const std::string& text) {
  constexpr std::string_view kBegin = "${env:";
  if (!text.starts_with(kBegin) || !text.ends_with('}')) return std::nullopt;
  const std::string name = text.substr(kBegin.size(), text.size() - kBegin.size() - 1);
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  return plain ? std::optional(name) : std::nullopt;
}

std::vector<std::string> OpenLineageConfig::variables() const {
  std::vector<std::string> names;
  for (const std::string* text : {&url, &token}) {
    if (auto name = variable_named_by(*text); name.has_value()) names.push_back(std::move(*name));
  }
  return names;
}

OpenLineageConfig read_openlineage(const Yaml& node, std::vector<Finding>& findings) {
  OpenLineageConfig config;
  if (node.is_null()) return config;
  config.declared = true;
  YamlObject read(node, findings);
  config.file = read.text("file").value_or("");
  config.url = read.text("url").value_or("");
  config.token = read.text("token").value_or("");
  if (const auto name = read.text("namespace"); name.has_value()) config.name_space = *name;
  if (config.file.empty() == config.url.empty())
    read.report(config.file.empty() ? "openlineage" : "url", "one_of",
                "events go to a file or to a url: name exactly one of them");
  if (!config.url.empty() && !config.url.starts_with("http://") &&
      !config.url.starts_with("https://") && !variable_named_by(config.url).has_value())
    read.report("url", "url",
                "it is an http or https URL, or ${env:NAME}: the process variable that holds one");
  if (!config.token.empty() && !variable_named_by(config.token).has_value())
    read.report("token", "secret",
                "a token doesn't stand in the file: write ${env:NAME}, the process variable that "
                "holds it");
  if (!config.token.empty() && config.url.empty())
    read.report("token", "unused", "a file needs no token; remove it");
  if (config.name_space.empty()) read.report("namespace", "empty", "a namespace has a name");
  read.finish();
  return config;
}

}  // namespace martlet::tracking
