// What MLflow's stores write, whichever kind they are, read in one way.
#include "base/quantity.h"
#include "lifecycle/internal/import_source.h"
#include "registry/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace martlet::lifecycle {

std::optional<tracking::RunStatus> mlflow_status(std::string_view text) {
  using tracking::RunStatus;
  struct Known {
    std::string_view name, number;
    RunStatus status;
  };
  // The numbers are the enumeration's in MLflow's protocol.
  constexpr std::array<Known, 5> kKnown{{{"RUNNING", "1", RunStatus::Running},
                                         {"SCHEDULED", "2", RunStatus::Scheduled},
                                         {"FINISHED", "3", RunStatus::Finished},
                                         {"FAILED", "4", RunStatus::Failed},
                                         {"KILLED", "5", RunStatus::Killed}}};
  for (const Known& known : kKnown) {
    if (known.name == text || known.number == text) return known.status;
  }
  return std::nullopt;
}

std::optional<tracking::LoggedModelStatus> mlflow_model_status(std::string_view text) {
  using tracking::LoggedModelStatus;
  constexpr std::string_view kPrefix = "LOGGED_MODEL_";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  // As above; whatever says nothing isn't finished.
  if (text == "PENDING" || text == "1" || text == "0" || text == "STATUS_UNSPECIFIED" ||
      text == "UNSPECIFIED")
    return LoggedModelStatus::Pending;
  if (text == "READY" || text == "2") return LoggedModelStatus::Ready;
  if (text == "UPLOAD_FAILED" || text == "FAILED" || text == "3")
    return LoggedModelStatus::UploadFailed;
  return std::nullopt;
}

std::optional<std::string> read_version(const VersionTexts& texts,
                                        registry::ModelVersion& version) {
  using registry::VersionStatus;
  auto name = registry::ModelName::parse(texts.name);
  if (!name.has_value()) return name.error().message();
  version.model = std::move(*name);
  const auto number = parse_integer(texts.number);
  if (!number.has_value() || *number < 1 || *number > std::numeric_limits<std::int32_t>::max())
    return fmt::format("its number is \"{}\"", texts.number.substr(0, 40));
  version.version.number = *number;
  version.source = texts.source;
  if (!texts.run.empty() && !is_run_id(texts.run))
    return fmt::format("its run is \"{}\"", texts.run.substr(0, 80));
  version.run = RunId(texts.run);
  if (!texts.stage.empty()) {
    const auto stage = registry::parse_stage(texts.stage);
    if (!stage.has_value()) return stage.error().message();
    version.stage = *stage;
  }
  if (texts.status.empty() || texts.status == "READY") {
    version.status = VersionStatus::Ready;
  } else if (texts.status == "PENDING_REGISTRATION") {
    version.status = VersionStatus::Pending;
  } else if (texts.status == "FAILED_REGISTRATION") {
    version.status = VersionStatus::Failed;
  } else {
    return fmt::format("its status is \"{}\"", texts.status.substr(0, 40));
  }
  return std::nullopt;
}

void read_alias(registry::RegisteredModel& model, const std::string& alias, std::int64_t version,
                Findings& findings) {
  auto parsed = registry::Alias::parse(alias);
  if (parsed.has_value() && version > 0) {
    model.aliases.push_back({registry::Environment::Experiment, std::move(*parsed), {version}});
    return;
  }
  add_finding(findings, fmt::format("model {} alias {}", model.name.text(), alias.substr(0, 80)),
              "bad_alias",
              parsed.has_value() ? std::string("it points at no version")
                                 : parsed.error().message());
}

std::optional<Timestamp> mlflow_time(std::int64_t millis) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1000;
  if (millis > kMost || millis < -kMost) return std::nullopt;
  return Timestamp{millis * 1000};
}

Timestamp time_or(const std::optional<std::int64_t>& millis, Timestamp otherwise) {
  if (!millis.has_value()) return otherwise;
  return mlflow_time(*millis).value_or(otherwise);
}

void sort_by_number(std::vector<SourceVersion>& versions) {
  std::sort(versions.begin(), versions.end(), [](const SourceVersion& a, const SourceVersion& b) {
    return a.version.version < b.version.version;
  });
}

double mlflow_value(double value) {
  constexpr double kMost = std::numeric_limits<double>::max();
  if (value == kMost) return std::numeric_limits<double>::infinity();
  if (value == -kMost) return -std::numeric_limits<double>::infinity();
  return value;
}

bool is_run_id(std::string_view id) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !id.empty() && id.size() <= 256 && id.front() != '-' && id.front() != '_' &&
         std::all_of(id.begin(), id.end(), plain);
}

Json dataset_details(std::string_view source_type, std::string_view source, std::string_view schema,
                     std::string_view profile) {
  Json details{{"source_type", std::string(source_type)}, {"source", std::string(source)}};
  if (!schema.empty()) details["schema"] = std::string(schema);
  if (!profile.empty()) details["profile"] = std::string(profile);
  return details;
}

}  // namespace martlet::lifecycle
