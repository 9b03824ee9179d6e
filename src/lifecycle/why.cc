#include "lifecycle/why.h"

#include "data/version_store.h"
#include "features/row_transform.h"
#include "lifecycle/packages.h"
#include "lifecycle/prediction_search.h"
#include "lifecycle/track.h"
#include "models/raw_predictor.h"
#include "monitoring/truth.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace martlet::lifecycle {

namespace {

struct Answer {
  FoundPrediction found;
  registry::ModelVersion version;
  std::shared_ptr<const models::Package> package;
};

data::VersionStore versions_of(const Store& store) {
  return {store.database(), store.blobs(), store.host().files, store.host().clock,
          store.scratch_directory()};
}

Result<Answer> find_answer(const Store& store, const std::string& id) {
  MARTLET_TRY_SET(auto found, find_prediction(store, id));
  if (!found.has_value()) {
    return not_found("no prediction has the id \"" + id +
                     "\": ids are the 32 hex digits that an answer carries, and a prediction is in "
                     "the log within 100 ms of its answer");
  }
  Answer answer{std::move(*found), {}, nullptr};
  const std::string reference =
      answer.found.model() + "/" + std::to_string(answer.found.entry.version);
  MARTLET_TRY_SET(const registry::Environment where,
                  registry::parse_environment(answer.found.environment()));
  auto version = registry_of(store).resolve(reference, where);
  if (!version.has_value()) {
    return fail(
        std::move(version).error().with_context("prediction " + id + " was made by " + reference));
  }
  answer.version = std::move(*version);
  MARTLET_TRY_SET(answer.package, open_package(store, answer.version.package));
  return answer;
}

Json inputs_json(const FoundPrediction& found) {
  Json inputs = Json::object();
  for (std::size_t i = 0; i < found.schema.size(); ++i)
    inputs[found.schema[i].name] = columns::to_json(found.entry.row[i]);
  return inputs;
}

// The look-ups' datasets as they were when the answer was given.
struct Tables {
  features::Lookups lookups;
  std::map<std::string, std::string> versions;  // by look-up: "weather@v2"
  std::vector<std::string> missing;             // look-ups without any version of then
};

Result<Tables> tables_of_then(const Store& store, const Answer& answer) {
  Tables tables;
  const data::VersionStore versions = versions_of(store);
  const features::FeatureProgram& program = answer.package->feature_program();
  for (const features::LookupConfig& lookup : program.lookups()) {
    const auto all = versions.versions(lookup.dataset);
    if (!all.has_value() && all.error().code() != ErrorCode::NotFound) return fail(all.error());
    const auto then = all.has_value()
                          ? std::find_if(all->begin(), all->end(),
                                         [&](const data::DatasetVersion& version) {
                                           return version.created <= answer.found.entry.at;
                                         })
                          : std::vector<data::DatasetVersion>::const_iterator();
    if (!all.has_value() || then == all->end()) {
      tables.missing.push_back(lookup.name);
      continue;
    }
    MARTLET_TRY_SET(const columns::Batch rows, versions.load(*then));
    MARTLET_TRY_SET(
        tables.lookups[lookup.name],
        features::LookupTable::build(lookup, rows, then->digest.text(), program.zone()));
    tables.versions[lookup.name] = then->name();
  }
  return tables;
}

Json lookups_json(const features::RowTransform& transform, const Tables& tables) {
  Json list = Json::array();
  for (const features::LookupHit& hit : transform.hits()) {
    const std::string name(hit.lookup);
    list.push_back(Json{{"lookup", name},
                        {"dataset", tables.versions.at(name)},
                        {"digest", std::string(hit.version)},
                        {"found", hit.found},
                        {"at", hit.found ? Json(to_text(hit.at)) : Json(nullptr)},
                        {"known_at", hit.found ? Json(to_text(hit.known_at)) : Json(nullptr)}});
  }
  return list;
}

// Features, look-ups and score once more, by the row path that answered.
Result<void> recompute(const Store& store, const Answer& answer, Json& why) {
  MARTLET_TRY_SET(const Tables tables, tables_of_then(store, answer));
  why["features"] = nullptr;
  why["lookups"] = Json::array();
  why["recomputed"] = Json{{"score", nullptr}, {"equal", nullptr}, {"note", nullptr}};
  if (!tables.missing.empty()) {
    why["recomputed"]["note"] = "look-up " + tables.missing.front() +
                                " had no version of its dataset then, so the features can't be "
                                "computed again";
    return {};
  }
  const features::FeatureProgram& program = answer.package->feature_program();
  MARTLET_TRY_SET(features::RowTransform transform,
                  features::RowTransform::create(program, tables.lookups));
  std::vector<double> values(program.columns().size());
  MARTLET_TRY(transform.apply(answer.found.entry.row.cells(), values));
  Json features = Json::object();
  for (std::size_t i = 0; i < values.size(); ++i)
    features[program.columns()[i].name] = number_or_null(values[i]);
  why["features"] = std::move(features);
  why["lookups"] = lookups_json(transform, tables);

  MARTLET_TRY_SET(const auto predictor, answer.package->raw_predictor(tables.lookups));
  MARTLET_TRY_SET(const auto scorer, predictor->row_scorer());
  MARTLET_TRY_SET(const double score, scorer->score(answer.found.entry.row.cells()));
  const bool is_equal =
      std::bit_cast<std::uint64_t>(score) == std::bit_cast<std::uint64_t>(answer.found.entry.score);
  why["recomputed"]["score"] = number_or_null(score);
  why["recomputed"]["equal"] = is_equal;
  if (!is_equal) {
    why["recomputed"]["note"] =
        tables.versions.empty()
            ? "the log holds another score than this program computes"
            : "another score than the logged one: the request named a moment of its own, or the "
              "look-ups were other ones than the latest then; the log holds neither";
  }
  return {};
}

Result<Json> datasets_json(const Store& store, const Answer& answer) {
  Json list = Json::array();
  const data::VersionStore versions = versions_of(store);
  const auto add = [&](const std::string& reference, const std::string& role) -> Result<void> {
    auto version = versions.find(reference);
    if (!version.has_value()) {
      if (version.error().code() != ErrorCode::NotFound) return fail(version.error());
      list.push_back(Json{{"role", role}, {"name", nullptr}, {"digest", reference}});
      return {};
    }
    Json sources = Json::array();
    for (const data::SourceFile& file : version->provenance.files)
      sources.push_back(data::to_json(file));
    list.push_back(Json{{"role", role},
                        {"name", version->name()},
                        {"digest", version->digest.text()},
                        {"rows", version->rows()},
                        {"sources", std::move(sources)}});
    return {};
  };
  if (!answer.version.run.empty()) {
    MARTLET_TRY_SET(const auto tracked, tracked_run_of(store, answer.version.run));
    if (tracked.has_value()) {
      for (const tracking::DatasetInput& input : tracked->inputs)
        MARTLET_TRY(add(input.name + "@" + input.digest, input.context));
    }
  }
  const std::string& digest = answer.package->manifest().provenance.dataset_digest;
  if (list.empty() && !digest.empty()) MARTLET_TRY(add(digest, "training"));
  return list;
}

// How the last judgement of the version's gates went, in the environment that answered.
Result<Json> gates_json(const Store& store, const Answer& answer) {
  MARTLET_TRY_SET(const auto attestations,
                  registry_of(store).attestations(answer.version.model, answer.version.version));
  Json gates = nullptr;
  for (const registry::Attestation& item : attestations) {
    if (item.kind != registry::AttestationKind::Gates) continue;
    gates = item.statement.value("gates", Json(nullptr));
  }
  return gates;
}

Result<Json> truth_json(const Store& store, const FoundPrediction& found) {
  if (found.entry.key.empty()) return Json(nullptr);
  const monitoring::TruthStore truths(store.database(), found.deployment);
  const std::vector<std::string> keys{found.entry.key};
  MARTLET_TRY_SET(const auto known, truths.find(keys));
  const auto truth = known.find(found.entry.key);
  if (truth == known.end()) return Json(nullptr);
  return Json{{"actual", truth->second.actual.has_value() ? number_or_null(*truth->second.actual)
                                                          : Json(nullptr)},
              {"known_at", to_text(truth->second.known_at)}};
}

}  // namespace

Result<Json> why_prediction(const Store& store, const std::string& id) {
  MARTLET_TRY_SET(const Answer answer, find_answer(store, id));
  const monitoring::Prediction& entry = answer.found.entry;
  const models::Manifest& manifest = answer.package->manifest();
  Json why{{"prediction", Json{{"id", entry.id},
                               {"at", to_text(entry.at)},
                               {"deployment", answer.found.deployment},
                               {"key", entry.key.empty() ? Json(nullptr) : Json(entry.key)},
                               {"latency_micros", entry.latency_micros},
                               {"failed", entry.failed}}},
           {"inputs", inputs_json(answer.found)}};
  if (entry.failed) {
    why["recomputed"] =
        Json{{"score", nullptr}, {"equal", nullptr}, {"note", "no answer was given"}};
  } else {
    MARTLET_TRY(recompute(store, answer, why));
  }
  why["decision"] =
      Json{{"score", entry.failed ? Json(nullptr) : number_or_null(entry.score)},
           {"threshold",
            manifest.threshold.has_value() ? number_or_null(*manifest.threshold) : Json(nullptr)},
           {"predicted", entry.failed ? Json(nullptr) : number_or_null(entry.predicted)},
           {"target", manifest.target}};
  why["model"] = Json{{"name", answer.version.model.text()},
                      {"version", answer.version.version.number},
                      {"package", answer.version.package.text()},
                      {"digest", answer.package->digest().text()},
                      {"flavour", manifest.flavour},
                      {"created", to_text(answer.version.created)},
                      {"code_version", manifest.provenance.code_version}};
  MARTLET_TRY_SET(why["gates"], gates_json(store, answer));
  why["run"] = answer.version.run.empty() ? Json(nullptr) : Json(answer.version.run.text());
  MARTLET_TRY_SET(why["datasets"], datasets_json(store, answer));
  MARTLET_TRY_SET(why["truth"], truth_json(store, answer.found));
  return why;
}

}  // namespace martlet::lifecycle
