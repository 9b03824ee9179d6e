// registry/names.h: the names of models, versions, aliases and environments, each a type of its own
// that only holds valid ones. Values; thread-safe as any value is.
#pragma once
#include "base/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace martlet::registry {

// 1 to 250 characters of valid UTF-8 without '/', ':', '@' and control characters.
class ModelName {
 public:
  ModelName() = default;                                  // "": no model
  static Result<ModelName> parse(std::string_view text);  // InvalidArgument
  const std::string& text() const { return text_; }
  auto operator<=>(const ModelName&) const = default;

 private:
  explicit ModelName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// 1 to 255 of the characters A–Z a–z 0–9 _ -; neither "latest" nor "v" and digits, whatever their
// case: those read as versions.
class Alias {
 public:
  Alias() = default;
  static Result<Alias> parse(std::string_view text);  // InvalidArgument
  const std::string& text() const { return text_; }
  auto operator<=>(const Alias&) const = default;

 private:
  explicit Alias(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// The alias of what serves; champion in KPIs' and gates' words (DESIGN §12.5).
Alias live_alias();

// 1, 2, 3 … within a model; 0 is no version.
struct Version {
  std::int64_t number = 0;
  auto operator<=>(const Version&) const = default;
};

enum class Environment : std::uint8_t { Experiment, Staging, Production };
std::string_view name_of(Environment environment);  // "production"
bool parse_name(std::string_view text, Environment& environment);
Result<Environment>
parse_environment(std::string_view text);  // InvalidArgument with the nearest name

// "churn@live", "churn/3" or "churn/latest", with or without "models:/" before it, as MLflow writes
// them. Just "churn" means its latest version too.
struct ModelReference {
  enum class Kind : std::uint8_t { ByAlias, ByVersion, Latest };
  Kind kind = Kind::Latest;
  ModelName model;
  Alias alias;      // ByAlias
  Version version;  // ByVersion
};
Result<ModelReference> parse_model_reference(std::string_view text);  // InvalidArgument

}  // namespace martlet::registry
