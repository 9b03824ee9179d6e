#include "lifecycle/lineage_records.h"

#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "data/version_store.h"
#include "lifecycle/packages.h"
#include "metadata/database.h"
#include "models/package_manifest.h"
#include "monitoring/records.h"

#include <map>
#include <memory>
#include <set>

namespace martlet::lifecycle {

namespace {

using tracking::edge;
using tracking::LineageEdge;
using tracking::Node;
using tracking::NodeKind;

std::string text_of(const Json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<void> add_dataset(const Store& store, const workflow::StepRecord& step, const Node& run,
                         std::vector<LineageEdge>& edges) {
  const std::string digest = text_of(step.outputs, "version");
  const std::string dataset = step.name.substr(step.name.find(':') + 1);
  const Node version{NodeKind::DatasetVersion, digest};
  edges.push_back(edge(version, run, "read by"));
  const data::VersionStore versions(store.database(), store.blobs(), store.host().files,
                                    store.host().clock, store.scratch_directory());
  MARTLET_TRY_SET(const data::DatasetVersion found, versions.find(dataset + "@" + digest));
  for (const data::SourceFile& file : found.provenance.files) {
    const Node source{NodeKind::Source, source_node_id(file.source, file.path, file.digest.text())};
    edges.push_back(edge(source, version, "ingested as"));
  }
  for (const data::ParentVersion& parent : found.provenance.parents) {
    const Node above{NodeKind::DatasetVersion, parent.digest.text()};
    if (above != version) edges.push_back(edge(above, version, "selected into"));
  }
  return {};
}

// Which version of the model the run was judged against.
Result<void> add_champion(const Store& store, const workflow::RunOutcome& outcome, const Node& run,
                          std::vector<LineageEdge>& edges) {
  const auto steps = outcome.run.definition.find("steps");
  if (steps == outcome.run.definition.end()) return {};
  std::string champion;
  for (const Json& step : *steps) {
    if (text_of(step, "name") == "evaluate")
      champion = text_of(step.value("with", Json()), "champion");
  }
  if (champion.empty()) return {};
  MARTLET_TRY_SET(const Digest package, Digest::parse(champion));
  MARTLET_TRY_SET(const auto versions, registry_of(store).versions_of_package(package));
  for (const registry::ModelVersion& version : versions) {
    edges.push_back(
        edge({NodeKind::ModelVersion, registry::to_text(version.model, version.version)}, run,
             "was the champion for"));
  }
  return {};
}

// The version that the run made again, if it did: nothing new came of it.
std::string made_again(const workflow::RunOutcome& outcome) {
  for (const workflow::StepRecord& step : outcome.steps) {
    if (step.component == "martlet/register" && workflow::gave_outputs(step.step_status()) &&
        step.outputs.value("is_champion", false)) {
      return text_of(step.outputs, "name") + "/" +
             std::to_string(step.outputs.value("version", std::int64_t{0}));
    }
  }
  return "";
}

// What the run gave, by content: another run may have given the very same before.
struct Given {
  Node node;
  std::string relation;  // "fitted", "built"
};

struct RunEdges {
  std::vector<LineageEdge> edges;
  std::vector<Given> given;
};

Result<RunEdges> edges_of(const Store& store, const workflow::RunOutcome& outcome) {
  const Node run{NodeKind::Run, outcome.run.id.text()};
  RunEdges found;
  std::string program;
  for (const workflow::StepRecord& step : outcome.steps) {
    if (!workflow::gave_outputs(step.step_status())) continue;
    if (step.component == "martlet/ingest") MARTLET_TRY(add_dataset(store, step, run, found.edges));
    if (step.component == "martlet/select") {
      program = text_of(step.outputs.value("chosen", Json()), "program");
      if (!program.empty()) found.given.push_back({{NodeKind::FeatureProgram, program}, "fitted"});
    }
    if (step.component == "martlet/package") {
      const Node package{NodeKind::Package, text_of(step.outputs, "package")};
      found.given.push_back({package, "built"});
      if (!program.empty())
        found.edges.push_back(edge({NodeKind::FeatureProgram, program}, package, "is part of"));
    }
  }
  if (const std::string version = made_again(outcome); !version.empty()) {
    found.edges.push_back(edge({NodeKind::ModelVersion, version}, run, "was made again by"));
  } else {
    MARTLET_TRY(add_champion(store, outcome, run, found.edges));
  }
  return found;
}

// Run → thing for the run that gave it first, thing → run for those that gave it again: so that a
// later run is never upstream of what was there before.
Result<LineageEdge> edge_of(const metadata::ReadTransaction& tx, const Node& run,
                            const Given& given) {
  MARTLET_TRY_SET(const auto first, tx.first<LineageEdge>(metadata::Query(
                                        metadata::equal("to_kind", given.node.kind) &&
                                        metadata::equal("to_id", given.node.id) &&
                                        metadata::equal("relation", given.relation))));
  if (!first.has_value() || first->from_id == run.id) return edge(run, given.node, given.relation);
  return edge(given.node, run, "was made again by");
}

// Edges by either end.
struct EdgeTable {
  std::map<Node, std::vector<LineageEdge>> by_cause;
  std::map<Node, std::vector<LineageEdge>> by_effect;
  void add(const LineageEdge& each) {
    by_cause[{each.from_kind, each.from_id}].push_back(each);
    by_effect[{each.to_kind, each.to_id}].push_back(each);
  }
};

// A package that no run built (the loop's) names the rows that it learnt from itself, if it can.
Result<void> add_training_data(const Store& store, const Digest& package, EdgeTable& table) {
  const auto manifest =
      artifacts::read_tree_file(store.blobs(), package, std::string(models::kManifestFile));
  if (!manifest.has_value()) return {};  // damaged or gone: the other edges are true all the same
  const auto parsed = models::Manifest::parse(*manifest);
  if (!parsed.has_value() || parsed->provenance.dataset_digest.empty()) return {};
  table.add(edge({NodeKind::DatasetVersion, parsed->provenance.dataset_digest},
                 {NodeKind::Package, package.text()}, "trained"));
  return {};
}

Result<void> add_versions(const Store& store, EdgeTable& table) {
  const registry::ModelRegistry registry = registry_of(store);
  MARTLET_TRY_SET(const auto all, registry.models());
  for (const registry::RegisteredModel& model : all) {
    MARTLET_TRY_SET(const auto versions, registry.versions(model.name));
    for (const registry::ModelVersion& version : versions) {
      const Node node{NodeKind::ModelVersion, registry::to_text(version.model, version.version)};
      if (!version.has_package()) {
        if (!version.run.empty())
          table.add(edge({NodeKind::Run, version.run.text()}, node, "registered as"));
        continue;
      }
      table.add(edge({NodeKind::Package, version.package.text()}, node, "registered as"));
      if (version.run.empty()) MARTLET_TRY(add_training_data(store, version.package, table));
    }
    for (const registry::Environment where :
         {registry::Environment::Experiment, registry::Environment::Staging,
          registry::Environment::Production}) {
      MARTLET_TRY_SET(const auto history,
                      registry.alias_history(model.name, where, registry::live_alias()));
      const Node deployment{NodeKind::Deployment,
                            deployment_name(registry::name_of(where), model.name.text())};
      std::set<std::int64_t> seen;
      for (auto change = history.rbegin(); change != history.rend(); ++change) {
        if (!change->to.has_value() || !seen.insert(change->to->number).second) continue;
        table.add(edge({NodeKind::ModelVersion, registry::to_text(model.name, *change->to)},
                       deployment, change == history.rbegin() ? "is live in" : "was live in"));
      }
    }
  }
  return {};
}

Result<void> add_retrainings(const Store& store, EdgeTable& table) {
  MARTLET_TRY_SET(const auto records,
                  store.database().read([](const metadata::ReadTransaction& tx) {
                    return tx.select<monitoring::RetrainRecord>();
                  }));
  for (const monitoring::RetrainRecord& record : records) {
    if (record.champion.empty() || record.challenger.empty()) continue;
    table.add(edge({NodeKind::ModelVersion, record.champion},
                   {NodeKind::ModelVersion, record.challenger}, "was the champion for"));
  }
  return {};
}

}  // namespace

std::string deployment_name(std::string_view environment, std::string_view model) {
  return std::string(environment) + "/" + std::string(model);
}

std::string source_node_id(const std::string& source, const std::string& path,
                           const std::string& digest) {
  return source + ":" + path + "@" + digest;
}

Result<void> record_lineage(const Store& store, const workflow::RunOutcome& outcome) {
  MARTLET_TRY_SET(const RunEdges found, edges_of(store, outcome));
  const Node run{NodeKind::Run, outcome.run.id.text()};
  return store.database().write([&](metadata::Transaction& tx) -> Result<void> {
    std::vector<LineageEdge> edges = found.edges;
    for (const Given& given : found.given) {
      MARTLET_TRY_SET(LineageEdge one, edge_of(tx, run, given));
      edges.push_back(std::move(one));
    }
    return tracking::add_lineage(tx, edges);
  });
}

Result<tracking::MoreEdges> implied_edges(const Store& store) {
  auto table = std::make_shared<EdgeTable>();
  MARTLET_TRY(add_versions(store, *table));
  MARTLET_TRY(add_retrainings(store, *table));
  return tracking::MoreEdges(
      [table](const Node& node, tracking::Direction direction) -> Result<std::vector<LineageEdge>> {
        const auto& side =
            direction == tracking::Direction::Upstream ? table->by_effect : table->by_cause;
        const auto found = side.find(node);
        return found == side.end() ? std::vector<LineageEdge>() : found->second;
      });
}

}  // namespace martlet::lifecycle
