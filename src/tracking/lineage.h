// tracking/lineage.h: what was made from what: edges between dataset versions, runs, packages,
// model versions and predictions, and walks along them.
//
// An edge points from the cause to the effect. Free functions inside the caller's transaction, so
// that an edge is committed with what it describes; callers: lifecycle's use cases, `martlet
// lineage`, `why`, `affected`.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "metadata/database.h"

#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::tracking {

enum class NodeKind : std::uint8_t {
  Source,
  DatasetVersion,
  FeatureProgram,
  Run,
  Package,
  ModelVersion,
  Deployment,
  Prediction,
  Report
};
std::string_view name_of(NodeKind kind);  // "dataset_version"
bool parse_name(std::string_view text, NodeKind& kind);

struct Node {
  NodeKind kind = NodeKind::Run;
  std::string id;  // a run's id, a digest's text, "churn/3", a prediction's id
  auto operator<=>(const Node&) const = default;
};

struct LineageEdge {
  NodeKind from_kind = NodeKind::DatasetVersion;
  std::string from_id;
  NodeKind to_kind = NodeKind::Run;
  std::string to_id;
  std::string relation;  // how: "trained on", "made by", "promoted from"
  static constexpr metadata::RecordInfo kRecord{"lineage",
                                                "from_kind, from_id, to_kind, to_id, relation"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("from_kind", self.from_kind);
    field("from_id", self.from_id);
    field("to_kind", self.to_kind);
    field("to_id", self.to_id);
    field("relation", self.relation);
  }
};

inline LineageEdge edge(const Node& from, const Node& to, std::string relation) {
  return {from.kind, from.id, to.kind, to.id, std::move(relation)};
}

// An edge that is there already is fine.
Result<void> add_lineage(metadata::Transaction& tx, std::span<const LineageEdge> edges);

enum class Direction : std::uint8_t { Upstream, Downstream };

struct LineageWalk {
  std::vector<Node> nodes;         // by distance, nearest first, without the start
  std::vector<LineageEdge> edges;  // each once
  bool complete = true;            // false when the limit cut it short
};
// Edges that follow from other records than these, such as the registry's: asked for once a node.
using MoreEdges =
    std::function<Result<std::vector<LineageEdge>>(const Node& node, Direction direction)>;
// Everything that led to `start`, or everything that came of it. Cycles are walked once.
Result<LineageWalk> walk_lineage(const metadata::ReadTransaction& tx, const Node& start,
                                 Direction direction, std::size_t max_nodes = 10'000,
                                 const MoreEdges& more = {});

Json to_json(const LineageWalk& walk);

}  // namespace martlet::tracking
