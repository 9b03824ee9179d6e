#include "lifecycle/steps.h"

#include "artifacts/blob_store.h"
#include "base/quantity.h"

namespace martlet::lifecycle {

workflow::ComponentTable component_table(Workshop& workshop) {
  workflow::ComponentTable table;
  const auto add = [&](const char* name,
                       Result<Json> (*step)(Workshop&, const workflow::StepContext&)) {
    table[name] = {name, "1", [&workshop, step](const workflow::StepContext& context) {
                     return step(workshop, context);
                   }};
  };
  add("martlet/ingest", &ingest_step);
  add("martlet/split", &split_step);
  add("martlet/leakage", &leakage_step);
  add("martlet/baselines", &baselines_step);
  add("martlet/train", &train_step);
  add("martlet/select", &select_step);
  add("martlet/evaluate", &evaluate_step);
  add("martlet/package", &package_step);
  add("martlet/register", &register_step);
  return table;
}

Result<Digest> digest_input(const workflow::StepContext& context, const std::string& name) {
  const auto found = context.inputs.find(name);
  if (found == context.inputs.end() || !found->second.is_string()) {
    return invalid_argument("step " + context.step + ": input \"" + name +
                            "\" is missing or no digest");
  }
  return Digest::parse(found->second.get_ref<const std::string&>());
}

Result<Json> json_blob(const Workshop& workshop, const Digest& digest) {
  MARTLET_TRY_SET(const std::string bytes, workshop.store().blobs().get(digest));
  return parse_json(bytes, {.size_bytes = std::size_t{1} << 30});
}

Result<Digest> put_json(const Workshop& workshop, const Json& value) {
  return workshop.store().blobs().put(to_text(value));
}

Result<SplitRows> read_split_blob(const Workshop& workshop, const Digest& digest) {
  MARTLET_TRY_SET(const Json json, json_blob(workshop, digest));
  SplitRows rows;
  const auto read = [&](const char* name, std::vector<std::uint32_t>& out) -> Result<void> {
    MARTLET_TRY_SET(const Json* list, member(json, name, "reading a split"));
    for (const Json& row : *list) {
      if (!row.is_number_unsigned()) return corrupt("reading a split: a row is no number");
      out.push_back(row.get<std::uint32_t>());
    }
    return {};
  };
  MARTLET_TRY(read("training", rows.training));
  MARTLET_TRY(read("validation", rows.validation));
  MARTLET_TRY(read("test", rows.test));
  return rows;
}

Result<std::map<std::string, Digest>> lookup_versions(const workflow::StepContext& context) {
  constexpr std::string_view kPrefix = "lookup:";
  std::map<std::string, Digest> versions;
  for (const auto& [name, value] : context.inputs) {
    if (!name.starts_with(kPrefix)) continue;
    MARTLET_TRY_SET(versions[name.substr(kPrefix.size())], digest_input(context, name));
  }
  return versions;
}

Result<StoredCandidate> read_candidate(const Workshop& workshop, const Json& outputs) {
  constexpr std::string_view kSubject = "reading a trained candidate";
  const auto digest = [&](const char* name) -> Result<Digest> {
    MARTLET_TRY_SET(const std::string text, text_member(outputs, name, kSubject));
    return Digest::parse(text);
  };
  MARTLET_TRY_SET(const Digest program_digest, digest("program"));
  MARTLET_TRY_SET(const Digest model_digest, digest("model"));
  MARTLET_TRY_SET(const Json program_json, json_blob(workshop, program_digest));
  MARTLET_TRY_SET(features::FeatureProgram program,
                  features::FeatureProgram::from_json(program_json));
  models::TrainedModel model;
  MARTLET_TRY_SET(model.bytes, workshop.store().blobs().get(model_digest));
  MARTLET_TRY_SET(model.flavour, text_member(outputs, "flavour", kSubject));
  MARTLET_TRY_SET(model.file_name, text_member(outputs, "file_name", kSubject));
  MARTLET_TRY_SET(const Json* info, member(outputs, "info", kSubject));
  model.info = *info;
  MARTLET_TRY_SET(model.predictor, models::load_predictor(model.flavour, model.bytes));
  StoredCandidate candidate{"", std::move(program), model.predictor, std::move(model), 0.5};
  MARTLET_TRY_SET(candidate.name, text_member(outputs, "candidate", kSubject));
  MARTLET_TRY_SET(candidate.threshold, number_member(outputs, "threshold", kSubject));
  return candidate;
}

}  // namespace martlet::lifecycle
