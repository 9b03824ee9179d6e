#include "lifecycle/lineage.h"

#include "base/text.h"
#include "data/version_store.h"
#include "lifecycle/packages.h"
#include "lifecycle/prediction_search.h"
#include "lifecycle/run.h"
#include "metadata/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

namespace martlet::lifecycle {

namespace {

using tracking::Node;
using tracking::NodeKind;

data::VersionStore versions_of(const Store& store) {
  return {store.database(), store.blobs(), store.host().files, store.host().clock,
          store.scratch_directory()};
}

// "departures@v3", "departures@latest", "departures@sha256:…" rather than "flight-delay@live".
bool names_dataset_version(std::string_view what) {
  std::string_view which = what.substr(what.rfind('@') + 1);
  if (which == "latest" || which.starts_with("sha256:")) return true;
  if (which.starts_with('v')) which.remove_prefix(1);
  return !which.empty() &&
         std::all_of(which.begin(), which.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Everything that a text could mean.
class Candidates {
 public:
  Candidates(const Store& store, std::string what, registry::Environment environment)
      : store_(store), what_(std::move(what)), environment_(environment) {}

  Result<Node> one() {
    MARTLET_TRY(look());
    if (found_.size() == 1) return found_.begin()->first;
    if (found_.empty()) {
      return not_found(
          "nothing in this store is called \"" + what_ +
          "\": it is no prediction, no run, no dataset version and no model; write a prediction's "
          "or run's id, flight-delay/3, flight-delay@live or departures@v3 (see `martlet ps`, "
          "`martlet models list`, `martlet data list`)");
    }
    std::vector<std::string> meanings;
    for (const auto& [node, meaning] : found_) meanings.push_back(meaning);
    return invalid_argument("\"" + what_ + "\" could be " + join(meanings, ", or ") +
                            "; write which one is meant");
  }

 private:
  Result<void> look() {
    if (what_.starts_with("sha256:")) return look_for_digest();
    if (what_.find('/') != std::string::npos) return add_model(what_);
    if (what_.find('@') != std::string::npos)
      return names_dataset_version(what_) ? add_dataset(what_) : add_model(what_);
    MARTLET_TRY(look_for_run());
    MARTLET_TRY_SET(const auto prediction, find_prediction(store_, what_));
    if (prediction.has_value()) add({NodeKind::Prediction, what_}, "a prediction");
    MARTLET_TRY(absent_is_fine(add_dataset(what_)));
    return absent_is_fine(add_model(what_));
  }

  Result<void> look_for_run() {
    if (what_.empty()) return {};
    auto run = find_run(store_, what_);
    if (run.has_value()) {
      add({NodeKind::Run, run->text()}, "run " + run->text());
      return {};
    }
    // A store without runs may hold predictions and models all the same.
    return absent_is_fine(fail(std::move(run).error()));
  }

  Result<void> look_for_digest() {
    MARTLET_TRY_SET(const Digest digest, Digest::parse(what_));
    MARTLET_TRY(absent_is_fine(add_dataset(what_)));
    MARTLET_TRY_SET(const auto models, registry_of(store_).versions_of_package(digest));
    if (!models.empty()) add({NodeKind::Package, digest.text()}, "a package");
    return {};
  }

  Result<void> add_dataset(const std::string& reference) {
    MARTLET_TRY_SET(const data::DatasetVersion version, versions_of(store_).find(reference));
    add({NodeKind::DatasetVersion, version.digest.text()}, "dataset version " + version.name());
    return {};
  }

  Result<void> add_model(const std::string& reference) {
    MARTLET_TRY_SET(const registry::ModelVersion version,
                    registry_of(store_).resolve(reference, environment_));
    const std::string text = registry::to_text(version.model, version.version);
    add({NodeKind::ModelVersion, text}, "model " + text);
    return {};
  }

  static Result<void> absent_is_fine(Result<void> result) {
    if (result.has_value() || result.error().code() == ErrorCode::NotFound) return {};
    return result;
  }

  void add(Node node, std::string meaning) { found_.emplace(std::move(node), std::move(meaning)); }

  const Store& store_;
  std::string what_;
  registry::Environment environment_;
  std::map<Node, std::string> found_;
};

// --- labels

std::string short_digest(const std::string& text) {
  const auto digest = Digest::parse(text);
  return digest.has_value() ? digest->short_text() : text;
}

std::string label_of_dataset(const std::vector<data::DatasetVersion>& all, const std::string& id) {
  std::string names;
  std::int64_t rows = 0;
  for (const data::DatasetVersion& version : all) {
    if (version.digest.text() != id) continue;
    names += (names.empty() ? "" : " = ") + version.name();
    rows = version.rows();
  }
  return names.empty() ? "dataset version " + short_digest(id) + " (not in this store any more)"
                       : fmt::format("{} ({} rows)", names, rows);
}

std::string label_of_source(const std::string& id) {
  const std::size_t at = id.rfind("@sha256:");
  if (at == std::string::npos) return "source " + id;
  return fmt::format("source {} ({})", id.substr(0, at), short_digest(id.substr(at + 1)));
}

std::string label_of_run(const Store& store, const std::string& id) {
  const auto report = look_at_run(store, RunId(id));
  if (!report.has_value()) return "run " + id;
  const workflow::PipelineRunRecord& run = report->outcome.run;
  return fmt::format("run {} ({} {})", id, workflow::name_of(run.run_status()),
                     to_text(run.created));
}

std::string label_of_model(const Store& store, const std::string& id) {
  const auto version = registry_of(store).resolve(id, registry::Environment::Experiment);
  std::string aliases;
  if (version.has_value()) {
    for (const registry::AliasTarget& target : version->aliases) {
      aliases += (aliases.empty() ? "" : ", ") + target.alias.text() + " in " +
                 std::string(registry::name_of(target.environment));
    }
  }
  return "model " + id + (aliases.empty() ? "" : " (" + aliases + ")");
}

Result<void> add_labels(const Store& store, Lineage& lineage) {
  const data::VersionStore versions = versions_of(store);
  MARTLET_TRY_SET(const auto datasets, versions.list());
  std::vector<data::DatasetVersion> all;
  for (const data::DatasetSummary& dataset : datasets) {
    MARTLET_TRY_SET(const auto more, versions.versions(dataset.dataset));
    all.insert(all.end(), more.begin(), more.end());
  }
  std::set<Node> nodes{lineage.start};
  nodes.insert(lineage.upstream.nodes.begin(), lineage.upstream.nodes.end());
  nodes.insert(lineage.downstream.nodes.begin(), lineage.downstream.nodes.end());
  for (const Node& node : nodes) {
    std::string& label = lineage.labels[node];
    switch (node.kind) {
      case NodeKind::Source: label = label_of_source(node.id); break;
      case NodeKind::DatasetVersion: label = label_of_dataset(all, node.id); break;
      case NodeKind::FeatureProgram: label = "features " + short_digest(node.id); break;
      case NodeKind::Run: label = label_of_run(store, node.id); break;
      case NodeKind::Package: label = "package " + short_digest(node.id); break;
      case NodeKind::ModelVersion: label = label_of_model(store, node.id); break;
      case NodeKind::Deployment: label = "deployment " + node.id; break;
      case NodeKind::Prediction: label = "prediction " + node.id; break;
      case NodeKind::Report: label = "report " + node.id; break;
    }
  }
  return {};
}

Json node_json(const Node& node) {
  return Json{{"kind", std::string(tracking::name_of(node.kind))}, {"id", node.id}};
}

}  // namespace

Json Lineage::to_json() const {
  Json nodes = Json::array();
  for (const auto& [node, text] : labels) {
    Json item = node_json(node);
    item["label"] = text;
    nodes.push_back(std::move(item));
  }
  Json edges = Json::array();
  for (const tracking::LineageWalk* walk : {&upstream, &downstream}) {
    for (const tracking::LineageEdge& each : walk->edges) {
      edges.push_back(Json{{"from", node_json({each.from_kind, each.from_id})},
                           {"to", node_json({each.to_kind, each.to_id})},
                           {"relation", each.relation}});
    }
  }
  Json first = node_json(start);
  first["label"] = label(start);
  return Json{{"start", std::move(first)},
              {"nodes", std::move(nodes)},
              {"edges", std::move(edges)},
              {"complete", upstream.complete && downstream.complete}};
}

Result<Lineage> find_lineage(const Store& store, const std::string& what,
                             registry::Environment environment) {
  Lineage lineage;
  MARTLET_TRY_SET(lineage.start, Candidates(store, what, environment).one());
  MARTLET_TRY_SET(tracking::MoreEdges implied, implied_edges(store));
  if (lineage.start.kind == NodeKind::Prediction) {
    MARTLET_TRY_SET(const auto found, find_prediction(store, lineage.start.id));
    if (found.has_value()) {
      const Node model{NodeKind::ModelVersion,
                       found->model() + "/" + std::to_string(found->entry.version)};
      implied = [first = implied, model, start = lineage.start](
                    const Node& node,
                    tracking::Direction direction) -> Result<std::vector<tracking::LineageEdge>> {
        MARTLET_TRY_SET(std::vector<tracking::LineageEdge> edges, first(node, direction));
        if (node == start && direction == tracking::Direction::Upstream)
          edges.push_back(tracking::edge(model, start, "answered"));
        return edges;
      };
    }
  }
  constexpr std::size_t kMost = 10'000;
  MARTLET_TRY_SET(lineage.upstream, store.database().read([&](const metadata::ReadTransaction& tx) {
    return tracking::walk_lineage(tx, lineage.start, tracking::Direction::Upstream, kMost, implied);
  }));
  MARTLET_TRY_SET(lineage.downstream,
                  store.database().read([&](const metadata::ReadTransaction& tx) {
                    return tracking::walk_lineage(tx, lineage.start,
                                                  tracking::Direction::Downstream, kMost, implied);
                  }));
  MARTLET_TRY(add_labels(store, lineage));
  return lineage;
}

}  // namespace martlet::lifecycle
