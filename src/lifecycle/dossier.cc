#include "lifecycle/dossier.h"

#include "artifacts/blob_store.h"
#include "data/version_store.h"
#include "lifecycle/track.h"

#include <limits>

namespace martlet::lifecycle {

namespace {

// A JSON blob that a step's outputs name; null when there's none, or it is gone.
Json blob_json(const Store& store, const Json& outputs, std::string_view key) {
  const auto digest = Digest::parse(text_or(outputs, key));
  if (!digest.has_value()) return nullptr;
  const auto bytes = store.blobs().get(*digest);
  if (!bytes.has_value()) return nullptr;
  auto json = parse_json(*bytes);
  return json.has_value() ? std::move(*json) : Json(nullptr);
}

void gather_project(const Store& store, Dossier& dossier) {
  const Json& parameters = dossier.run().parameters;
  const auto digest = Digest::parse(text_or(parameters, "project_file"));
  if (!digest.has_value()) return;
  auto text = store.blobs().get(*digest);
  if (!text.has_value()) return;
  dossier.project_text = *text;
  auto project =
      parse_project(std::move(*text), "martlet.yaml", text_or(parameters, "project_directory"));
  if (project.has_value()) dossier.project = std::move(*project);
}

void gather_data(const Store& store, Dossier& dossier) {
  const data::VersionStore versions(store.database(), store.blobs(), store.host().files,
                                    store.host().clock, store.scratch_directory());
  for (const auto& [name, outputs] : dossier.outputs_of("martlet/ingest")) {
    auto version = versions.find(text_or(*outputs, "version"));
    if (version.has_value()) dossier.versions.emplace(name, std::move(*version));
    if (Json profile = blob_json(store, *outputs, "profile"); profile.is_object())
      dossier.profiles.emplace(name, std::move(profile));
  }
}

}  // namespace

const Json& Dossier::outputs(std::string_view step) const {
  static const Json kNone = Json::object();
  for (const workflow::StepRecord& record : report.outcome.steps) {
    if (record.name == step && workflow::gave_outputs(record.step_status()) &&
        record.outputs.is_object())
      return record.outputs;
  }
  return kNone;
}

std::map<std::string, const Json*> Dossier::outputs_of(std::string_view component) const {
  std::map<std::string, const Json*> found;
  for (const workflow::StepRecord& record : report.outcome.steps) {
    if (record.component != component || !workflow::gave_outputs(record.step_status())) continue;
    const std::size_t colon = record.name.find(':');
    found[colon == std::string::npos ? record.name : record.name.substr(colon + 1)] =
        &record.outputs;
  }
  return found;
}

Result<Dossier> gather_dossier(const Store& store, const RunId& run) {
  Dossier dossier;
  MARTLET_TRY_SET(dossier.report, look_at_run(store, run));
  MARTLET_TRY_SET(dossier.tracked, tracked_run_of(store, run));
  gather_project(store, dossier);
  gather_data(store, dossier);
  if (Json drawn = blob_json(store, dossier.outputs("evaluate"), "diagnostics"); drawn.is_object())
    dossier.diagnostics = std::move(drawn);
  return dossier;
}

const Json& member_or_null(const Json& object, std::string_view key) {
  static const Json kNull = nullptr;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string text_or(const Json& object, std::string_view key, std::string fallback) {
  const Json& value = member_or_null(object, key);
  return value.is_string() ? value.get<std::string>() : std::move(fallback);
}

double number_or_nan(const Json& object, std::string_view key) {
  const Json& value = member_or_null(object, key);
  return value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

std::optional<bool> known_boolean(const Json& object, std::string_view key) {
  const Json& value = member_or_null(object, key);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

RecordedFigure figure_of(const Json& figure) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (figure.is_object())
    return {number_or_nan(figure, "value"), number_or_nan(figure, "low"),
            number_or_nan(figure, "high")};
  return {figure.is_number() ? figure.get<double>() : kNaN, kNaN, kNaN};
}

}  // namespace martlet::lifecycle
