#include "registry/names.h"

#include "base/quantity.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace martlet::registry {

namespace {

constexpr std::array<std::string_view, 3> kEnvironmentNames{"experiment", "staging", "production"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string shown(std::string_view text) { return std::string(text.substr(0, 80)); }

}  // namespace

Result<ModelName> ModelName::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return invalid_argument(fmt::format("\"{}\" can't be a model's name: {}", shown(text), why));
  };
  if (text.empty()) return bad("it is empty");
  if (!is_valid_utf8(text)) return bad("it isn't valid UTF-8");
  if (character_count(text) > 250) return bad("it is longer than 250 characters");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return bad("it has a control character");
    if (c == '/' || c == ':' || c == '@')
      return bad("'/', ':' and '@' separate names from versions and aliases");
  }
  if (trim(text).size() != text.size()) return bad("it begins or ends with a blank");
  if (text == "." || text == "..") return bad("it reads as a directory");
  return ModelName(std::string(text));
}

Result<Alias> Alias::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return invalid_argument(fmt::format("\"{}\" can't be an alias: {}", shown(text), why));
  };
  if (text.empty()) return bad("it is empty");
  if (text.size() > 255) return bad("it is longer than 255 characters");
  for (const char c : text) {
    const bool fine =
        is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    if (!fine) return bad("only letters A to Z, digits, '_' and '-' are allowed");
  }
  const std::string lower = lower_ascii(text);
  if (lower == "latest") return bad("\"latest\" always means the newest version");
  if (lower.size() > 1 && lower[0] == 'v' && std::all_of(lower.begin() + 1, lower.end(), is_digit))
    return bad("it reads as a version");
  return Alias(std::string(text));
}

Alias live_alias() {
  auto parsed = Alias::parse("live");
  MARTLET_CHECK(parsed.has_value(), "\"live\" is a valid alias");
  return *parsed;
}

std::string_view name_of(Environment environment) {
  return kEnvironmentNames[static_cast<std::size_t>(environment)];
}

bool parse_name(std::string_view text, Environment& environment) {
  for (std::size_t i = 0; i < kEnvironmentNames.size(); ++i) {
    if (kEnvironmentNames[i] != text) continue;
    environment = static_cast<Environment>(i);
    return true;
  }
  return false;
}

Result<Environment> parse_environment(std::string_view text) {
  Environment environment{};
  if (parse_name(text, environment)) return environment;
  const std::vector<std::string> names(kEnvironmentNames.begin(), kEnvironmentNames.end());
  return invalid_argument(
      fmt::format("there is no environment \"{}\"{}; there are experiment, staging and production",
                  shown(text), did_you_mean(text, names)));
}

Result<ModelReference> parse_model_reference(std::string_view text) {
  constexpr std::string_view kScheme = "models:/";
  std::string_view rest = text;
  if (rest.starts_with(kScheme)) rest.remove_prefix(kScheme.size());
  ModelReference reference;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    reference.kind = ModelReference::Kind::ByAlias;
    MARTLET_TRY_SET(reference.model, ModelName::parse(rest.substr(0, at)));
    MARTLET_TRY_SET(reference.alias, Alias::parse(rest.substr(at + 1)));
    return reference;
  }
  const std::size_t slash = rest.find('/');
  MARTLET_TRY_SET(reference.model, ModelName::parse(rest.substr(0, slash)));
  if (slash == std::string_view::npos || rest.substr(slash + 1) == "latest") return reference;
  const std::string_view number = rest.substr(slash + 1);
  const auto parsed = parse_integer(number);
  if (!parsed.has_value() || *parsed < 1 || !std::all_of(number.begin(), number.end(), is_digit)) {
    return invalid_argument(fmt::format(
        "\"{}\" names no model version; write NAME/3, NAME@alias or NAME/latest", shown(text)));
  }
  reference.kind = ModelReference::Kind::ByVersion;
  reference.version = {*parsed};
  return reference;
}

}  // namespace martlet::registry
