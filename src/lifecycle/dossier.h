// lifecycle/dossier.h: all that the store holds of one run, gathered: what reports and comparisons
// are made of. Nothing is computed anew.
//
// A value. What a run hasn't reached, or an older program didn't record, is absent.
#pragma once
#include "base/result.h"
#include "data/dataset_version.h"
#include "lifecycle/run.h"
#include "tracking/run.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::lifecycle {

struct Dossier {
  RunReport report;  // the run and its steps
  std::optional<tracking::Run>
      tracked;                     // its entry in the experiment; absent while it is under way
  std::string project_text;        // martlet.yaml as it was; "" when its blob is gone
  std::optional<Project> project;  // absent when this program can't read it any more
  std::map<std::string, data::DatasetVersion> versions;  // by dataset
  std::map<std::string, Json> profiles;                  // data::Profile by dataset
  Json diagnostics = Json::object();                     // evaluation/diagnostics.h, and drift

  const workflow::PipelineRunRecord& run() const { return report.outcome.run; }
  // The outputs of a step that gave any; an empty object otherwise.
  const Json& outputs(std::string_view step) const;
  // The outputs of all steps of a component, by what stands behind the colon of their names.
  std::map<std::string, const Json*> outputs_of(std::string_view component) const;
};

// NotFound for an unknown run. Blobs that are gone leave their part of the dossier empty.
Result<Dossier> gather_dossier(const Store& store, const RunId& run);

// Tolerant reads of what was recorded, maybe by an older program.
const Json& member_or_null(const Json& object, std::string_view key);
std::string text_or(const Json& object, std::string_view key, std::string fallback = "");
double number_or_nan(const Json& object, std::string_view key);
std::optional<bool> known_boolean(const Json& object, std::string_view key);
// The value itself, or the `value` of {value, low, high}.
struct RecordedFigure {
  double value, low, high;
};
RecordedFigure figure_of(const Json& figure);

}  // namespace martlet::lifecycle
