#include "features/config.h"

#include "base/text.h"

#include <algorithm>

namespace martlet::features {
namespace {

constexpr std::string_view kMedian = "median";
constexpr std::string_view kMean = "mean";
constexpr std::string_view kMode = "mode";

Fill read_fill(const Yaml& node, std::vector<Finding>& findings) {
  if (node.is_map()) {
    YamlObject read(node, findings);
    const Yaml* value = read.required_child("value");
    read.finish();
    if (value == nullptr) return {};
    if (!value->is_scalar()) {
      findings.push_back(value->finding("wrong_type", "a fill's value is a single number or text"));
      return {};
    }
    return {FillMethod::Value, value->scalar()};
  }
  if (!node.is_scalar()) {
    findings.push_back(
        node.finding("wrong_type", "expected median, mean, mode or a value to fill with"));
    return {};
  }
  if (!node.quoted()) {
    if (node.scalar() == kMedian) return {FillMethod::Median, ""};
    if (node.scalar() == kMean) return {FillMethod::Mean, ""};
    if (node.scalar() == kMode) return {FillMethod::Mode, ""};
  }
  return {FillMethod::Value, node.scalar()};
}

std::optional<std::pair<double, double>> read_pair(const Yaml& node,
                                                   std::vector<Finding>& findings) {
  if (!node.is_sequence() || node.items().size() != 2) {
    findings.push_back(node.finding("wrong_type", "expected two numbers: [low, high]"));
    return std::nullopt;
  }
  const auto low = node.items()[0].as_number(findings);
  const auto high = node.items()[1].as_number(findings);
  if (!low || !high) return std::nullopt;
  if (!(*low < *high)) {
    findings.push_back(node.finding("out_of_range", "the first number must be below the second"));
    return std::nullopt;
  }
  return std::pair(*low, *high);
}

Clip read_clip(const Yaml& node, std::vector<Finding>& findings) {
  YamlObject read(node, findings);
  const Yaml* quantiles = read.child("quantiles");
  const Yaml* range = read.child("range");
  read.finish();
  if ((quantiles == nullptr) == (range == nullptr)) {
    if (node.is_map()) {
      findings.push_back(node.finding("wrong_type",
                                      "a clip has either quantiles: [0.001, 0.999] or range: [low, "
                                      "high]"));
    }
    return {};
  }
  const auto pair = read_pair(quantiles != nullptr ? *quantiles : *range, findings);
  if (!pair) return {};
  if (quantiles != nullptr && (pair->first < 0 || pair->second > 1)) {
    findings.push_back(quantiles->finding("out_of_range", "quantiles lie between 0 and 1"));
    return {};
  }
  return {quantiles != nullptr ? ClipMethod::Quantiles : ClipMethod::Range, pair->first,
          pair->second};
}

std::optional<std::vector<Part>> read_parts(YamlObject& read, std::vector<Finding>& findings) {
  const Yaml* node = read.child("parts");
  if (node == nullptr) return std::nullopt;
  std::vector<Part> parts;
  const auto names = node->as_texts(findings);
  if (!names) return std::nullopt;
  for (const std::string& name : *names) {
    const auto part = parse_part(name);
    if (!part) {
      findings.push_back(node->finding("unknown_word", "no part of a time is called \"" + name +
                                                           "\"" + did_you_mean(name, part_names()) +
                                                           "; there are " +
                                                           join(part_names(), ", ")));
    } else if (std::find(parts.begin(), parts.end(), *part) != parts.end()) {
      findings.push_back(node->finding("duplicate", "\"" + name + "\" is named twice"));
    } else {
      parts.push_back(*part);
    }
  }
  return parts;
}

Encoding encoding_named(std::string_view word) {
  for (const Encoding encoding :
       {Encoding::Ordinal, Encoding::OneHot, Encoding::Target, Encoding::Hash, Encoding::None}) {
    if (word == name_of(encoding)) return encoding;
  }
  return Encoding::Auto;
}

ColumnConfig read_column(const std::string& name, const Yaml& node,
                         std::vector<Finding>& findings) {
  ColumnConfig column;
  column.name = name;
  column.where = node;
  YamlObject read(node, findings);
  if (const auto word =
          read.one_of("encode", {"auto", "ordinal", "one_hot", "target", "hash", "none"}))
    column.encode = encoding_named(*word);
  if (const auto buckets = read.integer("buckets")) {
    if (column.encode != Encoding::Hash) {
      read.report("buckets", "unused", "buckets go with encode: hash only");
    } else if (*buckets < 2 || *buckets > kMaxBuckets) {
      read.report("buckets", "out_of_range",
                  "there must be 2 to " + std::to_string(kMaxBuckets) + " buckets");
    } else {
      column.buckets = static_cast<int>(*buckets);
    }
  }
  column.parts = read_parts(read, findings);
  column.cyclic = read.boolean("cyclic");
  if (const auto word = read.one_of("scale", {"auto", "standard", "none"}))
    column.scale = *word == "standard" ? Scaling::Standard
                   : *word == "none"   ? Scaling::None
                                       : Scaling::Auto;
  if (const Yaml* fill = read.child("fill")) column.fill = read_fill(*fill, findings);
  if (const Yaml* clip = read.child("clip")) column.clip = read_clip(*clip, findings);
  column.categorical = read.boolean("categorical").value_or(false);
  column.known_at = read.text("known_at").value_or("");
  read.finish();
  if (column.parts && column.encode != Encoding::Auto)
    read.report("encode", "contradiction",
                "parts of a time are numbers: leave out encode or parts");
  return column;
}

std::vector<LookupKey> read_keys(const Yaml& node, std::vector<Finding>& findings) {
  std::vector<LookupKey> keys;
  if (node.is_map()) {
    for (const auto& [row, column] : node.entries()) {
      if (auto text = column.as_text(findings)) keys.push_back({row, std::move(*text)});
    }
  } else if (const auto names = node.as_texts(findings)) {
    for (const std::string& name : *names) keys.push_back({name, name});
  }
  if (keys.empty())
    findings.push_back(node.finding("missing", "a look-up needs at least one key column"));
  return keys;
}

LookupConfig read_lookup(const std::string& name, const Yaml& node,
                         std::vector<Finding>& findings) {
  LookupConfig lookup;
  lookup.name = name;
  lookup.where = node;
  YamlObject read(node, findings);
  lookup.dataset = read.required_text("dataset");
  if (const Yaml* key = read.required_child("key")) lookup.keys = read_keys(*key, findings);
  lookup.at = read.required_text("at");
  lookup.known_at = read.text("known_at").value_or("");
  if (read.required_child("features") != nullptr) {
    lookup.features = read.texts("features").value_or(std::vector<std::string>{});
    if (lookup.features.empty())
      read.report("features", "missing", "name at least one column of the look-up's dataset");
  }
  lookup.max_age = read.duration("max_age");
  read.finish();
  return lookup;
}

template <class Item, class Read>
std::vector<Item> read_map(const Yaml* node, std::vector<Finding>& findings, const Read& read) {
  std::vector<Item> items;
  if (node == nullptr) return items;
  if (!node->is_map()) {
    findings.push_back(node->finding("wrong_type", "expected a map from names"));
    return items;
  }
  for (const auto& [name, child] : node->entries()) items.push_back(read(name, child, findings));
  return items;
}

DeriveConfig read_derive(const std::string& name, const Yaml& node,
                         std::vector<Finding>& findings) {
  if (!node.is_scalar() || trim(node.scalar()).empty())
    findings.push_back(node.finding("wrong_type", "expected an expression over the row's columns"));
  return {name, node.scalar(), node};
}

}  // namespace

std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::Auto: return "auto";
    case Encoding::Ordinal: return "ordinal";
    case Encoding::OneHot: return "one_hot";
    case Encoding::Target: return "target";
    case Encoding::Hash: return "hash";
    case Encoding::None: return "none";
  }
  return "";
}

const std::vector<std::string>& part_names() {
  static const std::vector<std::string> names = {
      "hour", "weekday", "month", "day", "dayofyear", "minute", "year", "week", "quarter", "date"};
  return names;
}

std::string_view name_of(Part part) { return part_names()[static_cast<std::size_t>(part)]; }

std::optional<Part> parse_part(std::string_view name) {
  const auto& names = part_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Part>(found - names.begin());
}

FeatureConfig parse_features(const Yaml& node, std::vector<Finding>& findings) {
  FeatureConfig config;
  YamlObject read(node, findings);
  if (const Yaml* drop = read.child("drop")) {
    config.drop = drop->as_texts(findings).value_or(std::vector<std::string>{});
    config.drop_where = *drop;
  }
  config.derive = read_map<DeriveConfig>(read.child("derive"), findings, read_derive);
  config.columns = read_map<ColumnConfig>(read.child("columns"), findings, read_column);
  config.lookups = read_map<LookupConfig>(read.child("lookups"), findings, read_lookup);
  read.finish();
  return config;
}

Json LookupConfig::to_json() const {
  Json key_list = Json::array();
  for (const LookupKey& key : keys)
    key_list.push_back(Json{{"row", key.row}, {"column", key.column}});
  Json json{{"name", name}, {"dataset", dataset},   {"keys", std::move(key_list)},
            {"at", at},     {"known_at", known_at}, {"features", features}};
  json["max_age_micros"] = max_age ? Json(max_age->count()) : Json();
  return json;
}

Result<LookupConfig> LookupConfig::from_json(const Json& json) {
  LookupConfig lookup;
  MARTLET_TRY_SET(lookup.name, text_member(json, "name", "look-up"));
  MARTLET_TRY_SET(lookup.dataset, text_member(json, "dataset", lookup.name));
  MARTLET_TRY_SET(lookup.at, text_member(json, "at", lookup.name));
  MARTLET_TRY_SET(lookup.known_at, text_member(json, "known_at", lookup.name));
  MARTLET_TRY_SET(const Json* const keys, member(json, "keys", lookup.name));
  MARTLET_TRY_SET(const Json* const features, member(json, "features", lookup.name));
  if (!keys->is_array() || keys->empty() || !features->is_array())
    return invalid_argument("look-up " + lookup.name + ": keys and features must be lists");
  for (const Json& item : *keys) {
    LookupKey key;
    MARTLET_TRY_SET(key.row, text_member(item, "row", lookup.name));
    MARTLET_TRY_SET(key.column, text_member(item, "column", lookup.name));
    lookup.keys.push_back(std::move(key));
  }
  for (const Json& item : *features) {
    if (!item.is_string())
      return invalid_argument("look-up " + lookup.name + ": features must be names");
    lookup.features.push_back(item.get<std::string>());
  }
  MARTLET_TRY_SET(const Json* const age, member(json, "max_age_micros", lookup.name));
  if (!age->is_null()) {
    MARTLET_TRY_SET(const std::int64_t micros, integer_member(json, "max_age_micros", lookup.name));
    lookup.max_age = Duration(micros);
  }
  return lookup;
}

}  // namespace martlet::features
