#include "data/config.h"

#include "base/text.h"
#include "table/engine.h"

#include <algorithm>
#include <functional>
#include <map>

namespace martlet::data {

namespace {

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > 100) return false;
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return letter(name.front()) && std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || (c >= '0' && c <= '9');
         });
}

void check_name(const std::string& name, const Yaml& node, std::vector<Finding>& findings) {
  if (is_name(name)) return;
  findings.push_back(node.finding(
      "bad_name",
      "\"" + name + "\" is no name: use letters, digits and _, not beginning with a digit"));
}

template <class Items>
void check_case(const Items& items, const Yaml& parent, std::vector<Finding>& findings) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (lower_ascii(items[i].name) == lower_ascii(items[j].name)) {
        findings.push_back(parent.entries()[i].second.finding(
            "bad_name", "\"" + items[i].name + "\" differs from \"" + items[j].name +
                            "\" in case only, which SQL does not see"));
      }
    }
  }
}

// SQL's names do not know case.
std::string as_known(const std::string& name, const std::vector<std::string>& known) {
  for (const auto& candidate : known) {
    if (lower_ascii(candidate) == lower_ascii(name)) return candidate;
  }
  return "";
}

class Parser {
 public:
  explicit Parser(std::vector<Finding>& findings) : findings_(findings) {}

  DataConfig parse(const Yaml& node) {
    YamlObject read(node, findings_);
    const Yaml* sources = read.child("sources");
    const Yaml* datasets = read.child("datasets");
    read.finish();
    if (sources != nullptr) parse_sources(*sources);
    if (datasets != nullptr) parse_datasets(*datasets);
    add_implicit();
    find_cycles();
    return std::move(config_);
  }

 private:
  void parse_sources(const Yaml& map) {
    if (!map.is_map())
      findings_.push_back(
          map.finding("wrong_type", "expected a map from a source's name to where it is"));
    for (const auto& [name, node] : map.entries()) {
      check_name(name, node, findings_);
      config_.sources.push_back(parse_source(name, node, findings_));
    }
    check_case(config_.sources, map, findings_);
  }

  void parse_datasets(const Yaml& map) {
    if (!map.is_map())
      findings_.push_back(
          map.finding("wrong_type", "expected a map from a dataset's name to its definition"));
    for (const auto& source : config_.sources) known_.push_back(source.name);
    for (const auto& [name, node] : map.entries()) {
      check_name(name, node, findings_);
      if (as_known(name, known_).empty()) known_.push_back(name);
    }
    for (const auto& [name, node] : map.entries()) parse_dataset(name, node);
    check_case(config_.datasets, map, findings_);
  }

  void parse_dataset(const std::string& name, const Yaml& node) {
    DatasetConfig dataset{.name = name};
    YamlObject read(node, findings_);
    const Yaml* sql = read.child("sql");
    const Yaml* source = read.child("source");
    if (const Yaml* clean = read.child("clean")) dataset.clean = parse_cleaning(*clean, findings_);
    if (const Yaml* expect = read.child("expect")) {
      dataset.expect = parse_expectations(*expect, findings_);
      dataset.expect_declared = true;
    }
    read.finish();
    if (sql != nullptr && source != nullptr) {
      findings_.push_back(source->finding("contradiction", "give either sql or source, not both"));
    } else if (sql != nullptr) {
      dataset.sql = sql->as_text(findings_).value_or("");
      dataset.reads = tables_of(*sql, dataset.sql);
    } else if (source != nullptr) {
      dataset.source = source->as_text(findings_).value_or("");
      std::vector<std::string> names;
      for (const auto& one : config_.sources) names.push_back(one.name);
      if (std::find(names.begin(), names.end(), dataset.source) == names.end()) {
        findings_.push_back(
            source->finding("unknown_reference", "there is no source \"" + dataset.source + "\"" +
                                                     did_you_mean(dataset.source, names)));
      }
      dataset.reads = {dataset.source};
    } else if (config_.find_source(name) != nullptr) {
      dataset.source = name;
      dataset.reads = {name};
    } else {
      findings_.push_back(node.finding("missing", "a dataset needs sql, or the source that it is"));
    }
    places_.emplace(name, node);
    config_.datasets.push_back(std::move(dataset));
  }

  std::vector<std::string> tables_of(const Yaml& node, const std::string& sql) {
    if (!engine_) {
      auto opened = table::Engine::open({});
      if (!opened.has_value()) {
        findings_.push_back(node.finding("unavailable", opened.error().message()));
        return {};
      }
      engine_ = std::move(*opened);
    }
    const auto tables = engine_->tables_of(sql);
    if (!tables.has_value()) {
      findings_.push_back(node.finding("bad_sql", tables.error().message()));
      return {};
    }
    std::vector<std::string> reads;
    for (const auto& table : *tables) {
      const std::string name = as_known(table, known_);
      if (name.empty()) {
        findings_.push_back(
            node.finding("unknown_reference", "the SQL reads \"" + table +
                                                  "\", which is neither a source nor a dataset" +
                                                  did_you_mean(table, known_)));
      } else if (std::find(reads.begin(), reads.end(), name) == reads.end()) {
        reads.push_back(name);
      }
    }
    return reads;
  }

  void add_implicit() {
    for (const auto& source : config_.sources) {
      if (config_.find_dataset(source.name) != nullptr) continue;
      config_.datasets.push_back(
          {.name = source.name, .source = source.name, .reads = {source.name}, .implicit = true});
    }
  }

  void find_cycles() {
    for (const auto& dataset : config_.datasets) {
      const auto order = config_.build_order(dataset.name);
      if (order.has_value() || order.error().code() != ErrorCode::InvalidArgument) continue;
      const auto place = places_.find(dataset.name);
      if (place != places_.end())
        findings_.push_back(place->second.finding("cycle", order.error().message()));
    }
  }

  std::vector<Finding>& findings_;
  DataConfig config_;
  std::vector<std::string> known_;
  std::map<std::string, Yaml> places_;
  std::unique_ptr<table::Engine> engine_;
};

}  // namespace

const FileSource* DataConfig::find_source(std::string_view name) const {
  const auto at = std::find_if(sources.begin(), sources.end(),
                               [&](const auto& source) { return source.name == name; });
  return at == sources.end() ? nullptr : &*at;
}

const DatasetConfig* DataConfig::find_dataset(std::string_view name) const {
  const auto at = std::find_if(datasets.begin(), datasets.end(),
                               [&](const auto& dataset) { return dataset.name == name; });
  return at == datasets.end() ? nullptr : &*at;
}

const DatasetConfig* DataConfig::main_dataset() const {
  return datasets.empty() ? nullptr : &datasets.front();
}

Result<std::vector<const DatasetConfig*>> DataConfig::build_order(std::string_view name) const {
  std::vector<const DatasetConfig*> order;
  std::vector<std::string> path;
  std::function<Result<void>(const std::string&)> visit =
      [&](const std::string& wanted) -> Result<void> {
    const DatasetConfig* dataset = find_dataset(wanted);
    if (dataset == nullptr) {
      std::vector<std::string> names;
      for (const auto& one : datasets) names.push_back(one.name);
      return not_found("there is no dataset \"" + wanted + "\"" + did_you_mean(wanted, names));
    }
    if (std::find(order.begin(), order.end(), dataset) != order.end()) return {};
    if (std::find(path.begin(), path.end(), wanted) != path.end()) {
      return invalid_argument("the datasets need each other: " + join(path, " needs ") + " needs " +
                              wanted);
    }
    path.push_back(wanted);
    for (const auto& read : dataset->reads) {
      // Within its own dataset a name means the source; so does that of a source without a dataset
      // of its own.
      const DatasetConfig* other = find_dataset(read);
      const bool own_source = read == wanted && find_source(read) != nullptr;
      if (other == nullptr || own_source || (other->implicit && find_source(read) != nullptr) ||
          !dataset->source.empty())
        continue;
      MARTLET_TRY(visit(read));
    }
    path.pop_back();
    order.push_back(dataset);
    return {};
  };
  MARTLET_TRY(visit(std::string(name)));
  return order;
}

DataConfig parse_data(const Yaml& node, std::vector<Finding>& findings) {
  return Parser(findings).parse(node);
}

}  // namespace martlet::data
