// Nodes as JSON and back. Reading trusts nothing: what passes can't make write() go out of bounds.
#include "features/internal/calendar.h"
#include "features/internal/json_reader.h"
#include "features/internal/node.h"

#include <array>
#include <cmath>

namespace martlet::features {
namespace {

using columns::Type;

constexpr std::array<std::string_view, 6> kKinds = {"number", "ordinal", "one_hot",
                                                    "target", "hash",    "parts"};
constexpr int kMaxOutputs = 100'000;

Json tail_to_json(const Tail& tail) {
  Json json = Json::object();
  json["clip"] = tail.clipped ? Json::array({tail.low, tail.high}) : Json();
  json["fill"] = number_or_null(tail.fill);
  json["indicator"] = tail.indicator;
  json["standard"] = tail.scaled ? Json::array({tail.centre, tail.scale}) : Json();
  json["finite_only"] = tail.finite_only;
  return json;
}

Result<Tail> tail_from_json(const Json& json) {
  Tail tail;
  JsonReader read(json, "a feature's amount");
  if (const Json* clip = read.raw("clip"); clip != nullptr && !clip->is_null()) {
    const auto range = read.numbers("clip", 2);
    MARTLET_TRY(read.finish());
    if (!(range[0] <= range[1]))
      return corrupt("a feature's clip has its ends the wrong way round");
    tail.clipped = true;
    tail.low = range[0];
    tail.high = range[1];
  }
  tail.fill = read.number_or_nan("fill");
  tail.indicator = read.boolean("indicator");
  if (const Json* standard = read.raw("standard"); standard != nullptr && !standard->is_null()) {
    const auto pair = read.numbers("standard", 2);
    MARTLET_TRY(read.finish());
    if (!(pair[1] > 0)) return corrupt("a feature's scale must be above 0");
    tail.scaled = true;
    tail.centre = pair[0];
    tail.scale = pair[1];
  }
  tail.finite_only = read.boolean("finite_only");
  MARTLET_TRY(read.finish());
  return tail;
}

void target_to_json(const Node& node, Json& json) {
  json["outputs"] = node.outputs;
  json["encoded"] = node.encoded;
  json["encoded_missing"] = node.encoded_missing;
  json["prior"] = node.prior;
}

std::size_t amounts_of(const Node& node) {
  if (node.kind == NodeKind::Target) return static_cast<std::size_t>(node.outputs);
  if (node.kind == NodeKind::OneHot || node.kind == NodeKind::Hash) return 0;
  if (node.kind != NodeKind::Parts) return 1;
  std::size_t amounts = 0;
  for (const Part part : node.parts) amounts += node.cyclic && period_of(part) > 0 ? 0 : 1;
  return amounts;
}

Result<void> check_type(const Node& node) {
  const bool is_time = node.type == Type::Timestamp || node.type == Type::Date;
  if (node.kind == NodeKind::Number && (is_time || node.type == Type::Text))
    return corrupt("feature " + node.column + ": not an amount");
  if (node.kind == NodeKind::Parts && !is_time)
    return corrupt("feature " + node.column + ": parts of what isn't a time");
  return {};
}

}  // namespace

Json Node::to_json() const {
  Json json = Json::object();
  json["kind"] = kKinds[static_cast<std::size_t>(kind)];
  json["column"] = column;
  json["type"] = columns::name_of(type);
  Json amounts = Json::array();
  for (const Tail& tail : tails) amounts.push_back(tail_to_json(tail));
  json["amounts"] = std::move(amounts);
  if (kind == NodeKind::Ordinal || kind == NodeKind::OneHot || kind == NodeKind::Target) {
    json["categories"] = categories.to_json();
    json["fill_code"] = fill_code;
  }
  if (kind == NodeKind::Ordinal || kind == NodeKind::Hash) json["as_codes"] = as_codes;
  if (kind == NodeKind::OneHot) {
    json["other"] = has_other;
    json["missing"] = has_missing;
  }
  if (kind == NodeKind::Target) target_to_json(*this, json);
  if (kind == NodeKind::Hash) json["buckets"] = buckets;
  if (kind == NodeKind::Parts) {
    Json names = Json::array();
    for (const Part part : parts) names.push_back(name_of(part));
    json["parts"] = std::move(names);
    json["cyclic"] = cyclic;
  }
  return json;
}

Result<Node> Node::from_json(const Json& json) {
  Node node;
  JsonReader read(json, "a feature");
  const std::string kind = read.text("kind");
  node.column = read.text("column");
  const std::string type = read.text("type");
  MARTLET_TRY(read.finish());
  const auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  if (found == kKinds.end()) return corrupt("feature " + node.column + ": unknown kind " + kind);
  node.kind = static_cast<NodeKind>(found - kKinds.begin());
  MARTLET_TRY_SET(node.type, columns::parse_type(type));
  for (const Json& item : read.list("amounts")) {
    MARTLET_TRY_SET(Tail tail, tail_from_json(item));
    node.tails.push_back(tail);
  }
  if (node.kind == NodeKind::Ordinal || node.kind == NodeKind::OneHot ||
      node.kind == NodeKind::Target) {
    MARTLET_TRY_SET(node.categories, Categories::from_json(read.list("categories"), node.type));
    node.fill_code =
        read.integer("fill_code", kMissing, static_cast<int>(node.categories.size()) - 1);
  }
  if (node.kind == NodeKind::Ordinal || node.kind == NodeKind::Hash)
    node.as_codes = read.boolean("as_codes");
  if (node.kind == NodeKind::OneHot) {
    node.has_other = read.boolean("other");
    node.has_missing = read.boolean("missing");
  }
  if (node.kind == NodeKind::Target) {
    node.outputs = read.integer("outputs", 1, kMaxOutputs);
    const auto outputs = static_cast<std::size_t>(node.outputs);
    node.encoded = read.numbers("encoded", node.categories.size() * outputs);
    node.encoded_missing = read.numbers("encoded_missing", outputs);
    node.prior = read.numbers("prior", outputs);
  }
  if (node.kind == NodeKind::Hash) node.buckets = read.integer("buckets", 2, kMaxBuckets);
  if (node.kind == NodeKind::Parts) {
    node.cyclic = read.boolean("cyclic");
    for (const std::string& name : read.texts("parts")) {
      const auto part = parse_part(name);
      if (!part) return corrupt("feature " + node.column + ": unknown part " + name);
      node.parts.push_back(*part);
    }
  }
  MARTLET_TRY(read.finish());
  MARTLET_TRY(check_type(node));
  if (node.tails.size() != amounts_of(node) || node.width() == 0)
    return corrupt("feature " + node.column + ": its amounts don't fit its kind");
  return node;
}

}  // namespace martlet::features
