#include "cli/lineage_view.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <vector>

namespace martlet::cli {

namespace {

using lifecycle::Lineage;
using tracking::LineageEdge;
using tracking::LineageWalk;
using tracking::Node;

// Each node once, below the first node that leads to it; later mentions say so.
class Tree {
 public:
  Tree(const Lineage& lineage, const LineageWalk& walk, bool up) : lineage_(lineage) {
    for (const LineageEdge& each : walk.edges) {
      const Node cause{each.from_kind, each.from_id};
      const Node effect{each.to_kind, each.to_id};
      if (up) {
        next_[effect].push_back({cause, each.relation});
      } else {
        next_[cause].push_back({effect, each.relation});
      }
    }
    up_ = up;
  }

  std::string draw() {
    seen_.insert(lineage_.start);
    add(lineage_.start, "");
    return std::move(out_);
  }

 private:
  struct Branch {
    Node node;
    std::string relation;
  };

  void add(const Node& node, const std::string& indent) {
    const auto found = next_.find(node);
    if (found == next_.end()) return;
    const std::vector<Branch>& branches = found->second;
    for (std::size_t i = 0; i < branches.size(); ++i) {
      const bool last = i + 1 == branches.size();
      const bool is_new = seen_.insert(branches[i].node).second;
      const std::string& label = lineage_.label(branches[i].node);
      // Read along the edge: upstream, the branch is the cause.
      out_ += fmt::format("{}{}{}{}\n", indent, last ? "└─ " : "├─ ",
                          up_ ? label + ", " + branches[i].relation + " this"
                              : branches[i].relation + " " + label,
                          is_new || !next_.contains(branches[i].node) ? "" : " (see above)");
      if (is_new) add(branches[i].node, indent + (last ? "   " : "│  "));
    }
  }

  const Lineage& lineage_;
  std::map<Node, std::vector<Branch>> next_;
  bool up_ = true;
  std::set<Node> seen_;
  std::string out_;
};

std::string text_of(const Lineage& lineage) {
  std::string out = lineage.label(lineage.start) + "\n";
  const std::string up = Tree(lineage, lineage.upstream, true).draw();
  const std::string down = Tree(lineage, lineage.downstream, false).draw();
  out += up.empty() ? "nothing upstream is recorded\n" : "upstream\n" + up;
  out += down.empty() ? "nothing came of it yet\n" : "downstream\n" + down;
  if (!lineage.upstream.complete || !lineage.downstream.complete)
    out += "(cut short: there is more than this)\n";
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"') {
      out += "'";
    } else if (c == '\\') {
      out += "/";
    } else {
      out += c;
    }
  }
  return out;
}

// Numbers for the nodes, in the labels' order, and every edge once.
struct Graph {
  std::map<Node, std::size_t> numbers;
  std::vector<const LineageEdge*> edges;
  explicit Graph(const Lineage& lineage) {
    for (const auto& [node, label] : lineage.labels) numbers.emplace(node, numbers.size());
    for (const LineageWalk* walk : {&lineage.upstream, &lineage.downstream}) {
      for (const LineageEdge& each : walk->edges) edges.push_back(&each);
    }
  }
  std::size_t from(const LineageEdge& each) const {
    return numbers.at({each.from_kind, each.from_id});
  }
  std::size_t to(const LineageEdge& each) const { return numbers.at({each.to_kind, each.to_id}); }
};

std::string mermaid_of(const Lineage& lineage) {
  const Graph graph(lineage);
  std::string out = "flowchart LR\n";
  for (const auto& [node, number] : graph.numbers) {
    out += fmt::format("  n{}[\"{}\"]{}\n", number, escape(lineage.label(node)),
                       node == lineage.start ? ":::start" : "");
  }
  for (const LineageEdge* each : graph.edges) {
    out += fmt::format("  n{} -->|{}| n{}\n", graph.from(*each), each->relation, graph.to(*each));
  }
  return out + "  classDef start stroke-width:3px\n";
}

std::string dot_of(const Lineage& lineage) {
  const Graph graph(lineage);
  std::string out = "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const auto& [node, number] : graph.numbers) {
    out += fmt::format("  n{} [label=\"{}\"{}];\n", number, escape(lineage.label(node)),
                       node == lineage.start ? ", penwidth=3" : "");
  }
  for (const LineageEdge* each : graph.edges) {
    out += fmt::format("  n{} -> n{} [label=\"{}\"];\n", graph.from(*each), graph.to(*each),
                       each->relation);
  }
  return out + "}\n";
}

}  // namespace

Result<std::string> draw(const Lineage& lineage, std::string_view format) {
  if (format == "text") return text_of(lineage);
  if (format == "mermaid") return mermaid_of(lineage);
  if (format == "dot") return dot_of(lineage);
  return invalid_argument("drawing a lineage as \"" + std::string(format) +
                          "\": there are text, mermaid and dot; --json gives nodes and edges");
}

}  // namespace martlet::cli
