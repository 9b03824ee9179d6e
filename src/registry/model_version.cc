#include "registry/model_version.h"

#include "base/enum_name.h"
#include "base/text.h"

#include <fmt/format.h>

#include <array>

namespace martlet::registry {

namespace {

constexpr std::array<std::string_view, 3> kStatusNames{"pending", "ready", "failed"};
constexpr std::array<std::string_view, 4> kStageNames{"none", "staging", "production", "archived"};
constexpr std::array<std::string_view, 5> kAttestationNames{"gates", "waiver", "approval",
                                                            "signature", "reproduction"};

}  // namespace

std::string_view name_of(VersionStatus status) { return enum_name(kStatusNames, status); }
bool parse_name(std::string_view text, VersionStatus& status) {
  return find_enum(kStatusNames, text, status);
}

std::string_view name_of(Stage stage) { return enum_name(kStageNames, stage); }
bool parse_name(std::string_view text, Stage& stage) { return find_enum(kStageNames, text, stage); }

Result<Stage> parse_stage(std::string_view text) {
  Stage stage{};
  if (parse_name(lower_ascii(text), stage)) return stage;
  return invalid_argument(fmt::format("Invalid Model Version stage: {}. Value must be one of None, "
                                      "Staging, Production, Archived.",
                                      text.substr(0, 80)));
}

std::string_view name_of(AttestationKind kind) { return enum_name(kAttestationNames, kind); }
bool parse_name(std::string_view text, AttestationKind& kind) {
  return find_enum(kAttestationNames, text, kind);
}

std::string to_text(const ModelName& model, Version version) {
  return model.text() + "/" + std::to_string(version.number);
}

}  // namespace martlet::registry
