#include "tracking/lineage.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>

namespace martlet::tracking {

namespace {

constexpr std::array<std::string_view, 9> kKindNames{
    "source",        "dataset_version", "feature_program", "run",   "package",
    "model_version", "deployment",      "prediction",      "report"};

Json node_json(NodeKind kind, const std::string& id) {
  return {{"kind", std::string(name_of(kind))}, {"id", id}};
}

bool is_same(const LineageEdge& a, const LineageEdge& b) {
  return a.from_kind == b.from_kind && a.from_id == b.from_id && a.to_kind == b.to_kind &&
         a.to_id == b.to_id && a.relation == b.relation;
}

}  // namespace

std::string_view name_of(NodeKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

bool parse_name(std::string_view text, NodeKind& kind) {
  for (std::size_t i = 0; i < kKindNames.size(); ++i) {
    if (kKindNames[i] != text) continue;
    kind = static_cast<NodeKind>(i);
    return true;
  }
  return false;
}

Result<void> add_lineage(metadata::Transaction& tx, std::span<const LineageEdge> edges) {
  for (const LineageEdge& each : edges) {
    if (each.from_id.empty() || each.to_id.empty())
      return invalid_argument("an edge of the lineage needs two ids");
    MARTLET_TRY(tx.insert_if_absent(each));
  }
  return {};
}

Result<LineageWalk> walk_lineage(const metadata::ReadTransaction& tx, const Node& start,
                                 Direction direction, std::size_t max_nodes,
                                 const MoreEdges& more) {
  const bool up = direction == Direction::Upstream;
  LineageWalk walk;
  std::set<Node> seen{start};
  std::deque<Node> next{start};
  while (!next.empty()) {
    const Node node = std::move(next.front());
    next.pop_front();
    MARTLET_TRY_SET(std::vector<LineageEdge> edges,
                    tx.select<LineageEdge>(
                        metadata::Query(metadata::equal(up ? "to_kind" : "from_kind", node.kind) &&
                                        metadata::equal(up ? "to_id" : "from_id", node.id))
                            .order_by(up ? "from_kind" : "to_kind")
                            .order_by(up ? "from_id" : "to_id")
                            .order_by("relation")));
    if (more) {
      MARTLET_TRY_SET(std::vector<LineageEdge> others, more(node, direction));
      for (LineageEdge& other : others) {
        if (std::none_of(edges.begin(), edges.end(),
                         [&](const LineageEdge& known) { return is_same(known, other); }))
          edges.push_back(std::move(other));
      }
    }
    for (LineageEdge& found : edges) {
      Node other = up ? Node{found.from_kind, found.from_id} : Node{found.to_kind, found.to_id};
      if (!seen.contains(other)) {
        if (walk.nodes.size() >= max_nodes) {
          walk.complete = false;
          return walk;
        }
        seen.insert(other);
        walk.nodes.push_back(other);
        next.push_back(std::move(other));
      }
      walk.edges.push_back(std::move(found));
    }
  }
  return walk;
}

Json to_json(const LineageWalk& walk) {
  Json nodes = Json::array();
  for (const Node& node : walk.nodes) nodes.push_back(node_json(node.kind, node.id));
  Json edges = Json::array();
  for (const LineageEdge& each : walk.edges) {
    edges.push_back({{"from", node_json(each.from_kind, each.from_id)},
                     {"to", node_json(each.to_kind, each.to_id)},
                     {"relation", each.relation}});
  }
  return {{"nodes", std::move(nodes)}, {"edges", std::move(edges)}, {"complete", walk.complete}};
}

}  // namespace martlet::tracking
