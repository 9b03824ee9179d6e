// features/config.h: the `features:` part of martlet.yaml, read strictly; nothing about data is
// known yet.
//
// Values. parse_features is called by whoever reads the project file; FeatureProgram::fit checks
// the names against a dataset's schema.
#pragma once
#include "base/json.h"
#include "base/time.h"
#include "base/yaml.h"
#include "features/cleaning.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::features {

// How a category becomes numbers; docs/features.md defines each. None: the column isn't a feature.
enum class Encoding { Auto, Ordinal, OneHot, Target, Hash, None };
enum class Part { Hour, Weekday, Month, Day, DayOfYear, Minute, Year, Week, Quarter, Date };
enum class Scaling { Auto, Standard, None };

std::string_view name_of(Encoding encoding);
std::string_view name_of(Part part);
std::optional<Part> parse_part(std::string_view name);
// All ten names, in the order of the enumerators.
const std::vector<std::string>& part_names();

inline constexpr int kDefaultBuckets = 64;
inline constexpr int kMaxBuckets = 4096;

struct ColumnConfig {
  std::string name;  // a column of the dataset, a derived one, or lookup.feature
  Encoding encode = Encoding::Auto;
  int buckets = kDefaultBuckets;
  std::optional<std::vector<Part>> parts;
  std::optional<bool> cyclic;
  Scaling scale = Scaling::Auto;
  Fill fill;
  Clip clip;
  bool categorical = false;
  std::string known_at;  // the column that says since when this one's value was known; for the
                         // leakage report
  Yaml where;
};

struct DeriveConfig {
  std::string name;
  std::string expression;
  Yaml where;
};

struct LookupKey {
  std::string row;     // a column of the row, or a derived one
  std::string column;  // the lookup dataset's
  bool operator==(const LookupKey&) const = default;
};

// A point-in-time join: the latest row of `dataset` with this key that was both valid (at) and
// known (known_at) at decided_at.
struct LookupConfig {
  std::string name;
  std::string dataset;
  std::vector<LookupKey> keys;
  std::string at;
  std::string known_at;               // "" means: at
  std::vector<std::string> features;  // become the columns <name>.<feature>
  std::optional<Duration> max_age;    // decided_at - at may not be more
  Yaml where;

  Json to_json() const;
  static Result<LookupConfig> from_json(const Json& json);
};

struct FeatureConfig {
  std::vector<std::string> drop;
  Yaml drop_where;
  std::vector<DeriveConfig> derive;
  std::vector<ColumnConfig> columns;
  std::vector<LookupConfig> lookups;
};

// Reads the whole section; every problem becomes a finding (unknown key or word with the nearest
// known one, wrong type, a setting that doesn't go with another) and reading goes on. A null node
// is the empty configuration: all columns by their type.
FeatureConfig parse_features(const Yaml& node, std::vector<Finding>& findings);

}  // namespace martlet::features
