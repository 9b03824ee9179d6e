#include "tracking/internal/run_filter.h"

#include "base/text.h"
#include "tracking/internal/records.h"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace martlet::tracking {

namespace {

using metadata::Comparator;
using metadata::Condition;
using metadata::equal;
using metadata::FilterClause;
using metadata::FilterName;
using metadata::related;

constexpr std::int64_t kMicrosPerMilli = 1000;

struct EntityName {
  std::string_view name;
  RunEntity entity;
};
constexpr std::array kEntities{
    EntityName{"attributes", RunEntity::Attribute},
    EntityName{"attribute", RunEntity::Attribute},
    EntityName{"attr", RunEntity::Attribute},
    EntityName{"run", RunEntity::Attribute},
    EntityName{"metrics", RunEntity::Metric},
    EntityName{"metric", RunEntity::Metric},
    EntityName{"params", RunEntity::Param},
    EntityName{"param", RunEntity::Param},
    EntityName{"parameters", RunEntity::Param},
    EntityName{"parameter", RunEntity::Param},
    EntityName{"tags", RunEntity::Tag},
    EntityName{"tag", RunEntity::Tag},
    EntityName{"datasets", RunEntity::Dataset},
    EntityName{"dataset", RunEntity::Dataset},
};

struct Attribute {
  std::string_view name;  // in lower case
  std::string_view column;
  enum class Kind : std::uint8_t { Text, Status, Id, Time } kind = Kind::Text;
};
// The spellings that MLflow's clients use.
constexpr std::array kAttributes{
    Attribute{"run_id", "id", Attribute::Kind::Id},
    Attribute{"run_name", "name"},
    Attribute{"run name", "name"},
    Attribute{"status", "status", Attribute::Kind::Status},
    Attribute{"user_id", "user"},
    Attribute{"experiment_id", "experiment"},
    Attribute{"start_time", "started", Attribute::Kind::Time},
    Attribute{"created", "started", Attribute::Kind::Time},
    Attribute{"end_time", "ended", Attribute::Kind::Time},
};

Result<RunEntity> entity_of(const FilterName& name) {
  if (name.entity.empty()) return RunEntity::Attribute;
  for (const EntityName& known : kEntities) {
    if (known.name == name.entity) return known.entity;
  }
  return invalid_argument(
      fmt::format("Invalid entity type '{}' in front of '{}': runs have attributes, metrics, "
                  "params, tags and datasets",
                  name.entity, name.key));
}

Result<const Attribute*> attribute_of(const std::string& key) {
  const std::string name = lower_ascii(key);
  std::vector<std::string> names;
  for (const Attribute& known : kAttributes) {
    if (known.name == name) return &known;
    names.emplace_back(known.name);
  }
  return invalid_argument(fmt::format(
      "Invalid attribute key '{}'{}: runs have run_id, run_name, status, user_id, experiment_id, "
      "start_time and end_time; a metric is written as metrics.{}",
      key, did_you_mean(name, names), key));
}

// Stored to the microsecond, compared by the millisecond that it lies in.
Result<Condition> time_condition(const FilterClause& clause, const std::string& column) {
  // The comparator is checked by this, and the value.
  MARTLET_TRY(metadata::integer_condition(clause, column));
  MARTLET_TRY_SET(const std::int64_t millis, metadata::filter_integer(clause));
  constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / kMicrosPerMilli - 1;
  if (millis > kLimit || millis < -kLimit) {
    return invalid_argument(
        fmt::format("'{}' isn't a time: write it in milliseconds since 1970", clause.text));
  }
  const std::int64_t begin = millis * kMicrosPerMilli;
  const std::int64_t end = begin + kMicrosPerMilli;
  switch (clause.comparator) {
    case Comparator::Equal: return metadata::at_least(column, begin) && metadata::less(column, end);
    case Comparator::NotEqual:
      return metadata::less(column, begin) || metadata::at_least(column, end);
    case Comparator::Less: return metadata::less(column, begin);
    case Comparator::AtMost: return metadata::less(column, end);
    case Comparator::Greater: return metadata::at_least(column, end);
    default: return metadata::at_least(column, begin);
  }
}

Result<Condition> attribute_condition(const FilterClause& clause) {
  MARTLET_TRY_SET(const Attribute* attribute, attribute_of(clause.name.key));
  const std::string column(attribute->column);
  if (attribute->kind == Attribute::Kind::Time) return time_condition(clause, column);
  const bool list = clause.comparator == Comparator::In || clause.comparator == Comparator::NotIn;
  if (list && attribute->kind != Attribute::Kind::Id) {
    return invalid_argument(
        fmt::format("Invalid comparator '{}' in filter clause '{}': lists are for run_id only",
                    metadata::name_of(clause.comparator), clause.text));
  }
  if (attribute->kind != Attribute::Kind::Status) return metadata::text_condition(clause, column);
  // Stored in lower case.
  FilterClause lower = clause;
  for (metadata::FilterValue& value : lower.values) value.text = lower_ascii(value.text);
  return metadata::text_condition(lower, column);
}

// A param's or tag's value; IS NULL asks for none.
Result<void> read_text_clause(const FilterClause& clause, RunClause& found) {
  found.absent = clause.comparator == Comparator::IsNull;
  found.own = equal("key", found.key);
  if (found.absent || clause.comparator == Comparator::IsNotNull) return {};
  if (clause.comparator == Comparator::In || clause.comparator == Comparator::NotIn) {
    return invalid_argument(
        fmt::format("Invalid comparator '{}' in filter clause '{}': use one of =, !=, LIKE, ILIKE, "
                    "IS NULL, IS NOT NULL",
                    metadata::name_of(clause.comparator), clause.text));
  }
  MARTLET_TRY_SET(Condition value, metadata::text_condition(clause, "value"));
  found.own = std::move(found.own) && std::move(value);
  return {};
}

Result<RunClause> read_clause(const FilterClause& clause) {
  RunClause found;
  MARTLET_TRY_SET(found.entity, entity_of(clause.name));
  found.key = clause.name.key;
  const Comparator comparator = clause.comparator;
  found.scans = comparator == Comparator::Like || comparator == Comparator::LikeIgnoringCase ||
                comparator == Comparator::NotEqual;
  switch (found.entity) {
    case RunEntity::Attribute: {
      MARTLET_TRY_SET(found.own, attribute_condition(clause));
      break;
    }
    case RunEntity::Metric: {
      MARTLET_TRY_SET(Condition value, metadata::number_condition(clause, "value"));
      // NaN, which is stored as null, is different from every number.
      if (comparator == Comparator::NotEqual)
        value = std::move(value) || metadata::is_null("value");
      found.own = equal("key", found.key) && std::move(value);
      break;
    }
    case RunEntity::Param:
    case RunEntity::Tag: MARTLET_TRY(read_text_clause(clause, found)); break;
    case RunEntity::Dataset: {
      const std::string key = lower_ascii(found.key);
      if (key != "name" && key != "digest" && key != "context") {
        return invalid_argument(fmt::format("Invalid dataset key '{}' in filter clause '{}': "
                                            "datasets have name, digest and context",
                                            found.key, clause.text));
      }
      MARTLET_TRY_SET(found.own, metadata::text_condition(clause, key));
      found.scans = found.scans || key != "digest" || comparator == Comparator::NotIn;
      break;
    }
  }
  return found;
}

}  // namespace

Condition RunClause::on(const std::string& run) const {
  const auto wrap = [&](metadata::Relation relation) {
    Condition condition = metadata::exists(std::move(relation), own);
    return absent ? metadata::negate(std::move(condition)) : condition;
  };
  switch (entity) {
    case RunEntity::Attribute: return own;
    case RunEntity::Metric: return wrap(related<MetricRecord>({{"run", run}}));
    case RunEntity::Param: return wrap(related<ParamRecord>({{"run", run}}));
    case RunEntity::Tag: return wrap(related<TagRecord>({{"run", run}}));
    case RunEntity::Dataset: return wrap(related<InputRecord>({{"run", run}}));
  }
  return own;
}

Result<std::vector<RunClause>> parse_run_filter(std::string_view text) {
  MARTLET_TRY_SET(const std::vector<FilterClause> clauses, metadata::parse_filter(text));
  std::vector<RunClause> found;
  for (const FilterClause& clause : clauses) {
    MARTLET_TRY_SET(RunClause one, read_clause(clause));
    found.push_back(std::move(one));
  }
  return found;
}

Result<std::vector<RunTerm>> parse_run_order(const std::vector<std::string>& terms) {
  std::vector<RunTerm> found;
  for (const std::string& text : terms) {
    MARTLET_TRY_SET(const metadata::FilterOrder order, metadata::parse_filter_order(text));
    RunTerm term;
    term.key = order.name.key;
    term.order = order.order;
    MARTLET_TRY_SET(term.entity, entity_of(order.name));
    if (term.entity == RunEntity::Dataset)
      return invalid_argument(
          fmt::format("Invalid order_by '{}': runs can't be ordered by datasets", text));
    if (term.entity == RunEntity::Attribute) {
      MARTLET_TRY_SET(const Attribute* attribute, attribute_of(term.key));
      term.key = std::string(attribute->column);
    }
    for (const RunTerm& earlier : found) {
      if (earlier.entity == term.entity && earlier.key == term.key)
        return invalid_argument(
            fmt::format("`order_by` contains duplicate fields: '{}' stands there twice", text));
    }
    found.push_back(std::move(term));
  }
  return found;
}

}  // namespace martlet::tracking
