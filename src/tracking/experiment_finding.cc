#include "tracking/internal/experiment_finding.h"

#include "base/text.h"
#include "metadata/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace martlet::tracking {

namespace {

using metadata::Comparator;
using metadata::Condition;
using metadata::FilterClause;
using metadata::FilterName;
using metadata::Order;
using metadata::Query;

constexpr std::int64_t kMicrosPerMilli = 1000;

bool is_tag(const FilterName& name) { return name.entity == "tag" || name.entity == "tags"; }

// The column of an attribute; "" when there is no such attribute.
std::string_view column_of(const FilterName& name) {
  if (!name.entity.empty() && name.entity != "attribute" && name.entity != "attributes" &&
      name.entity != "attr" && name.entity != "experiment")
    return "";
  const std::string key = lower_ascii(name.key);
  if (key == "name") return "name";
  if (key == "experiment_id") return "id";
  if (key == "creation_time") return "created";
  if (key == "last_update_time") return "updated";
  return "";
}

tl::unexpected<Error> unknown_name(const FilterName& name, std::string_view where) {
  return invalid_argument(fmt::format(
      "Invalid attribute key '{}' in '{}': experiments have name, experiment_id, creation_time, "
      "last_update_time and tags.KEY",
      name.entity.empty() ? name.key : name.entity + "." + name.key, where));
}

// Stored in microseconds, said in milliseconds.
Result<Condition> time_condition(const FilterClause& clause, const std::string& column) {
  MARTLET_TRY_SET(const std::int64_t millis, metadata::filter_integer(clause));
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / kMicrosPerMilli;
  const std::int64_t micros = std::clamp(millis, -kMost, kMost) * kMicrosPerMilli;
  // An instant holds microseconds that its milliseconds don't tell.
  const Condition from = metadata::at_least(column, Timestamp{micros});
  const Condition before = metadata::less(column, Timestamp{micros + kMicrosPerMilli});
  switch (clause.comparator) {
    case Comparator::Equal: return from && before;
    case Comparator::NotEqual: return metadata::negate(from && before);
    case Comparator::Less: return metadata::less(column, Timestamp{micros});
    case Comparator::AtLeast: return from;
    case Comparator::AtMost: return before;
    case Comparator::Greater:
      return metadata::at_least(column, Timestamp{micros + kMicrosPerMilli});
    default: return metadata::integer_condition(clause, column);  // says what fits
  }
}

// Whether the experiment's tag holds the clause, which was checked.
Result<bool> tag_holds(const Json& tags, const FilterClause& clause) {
  const auto tag = tags.find(clause.name.key);
  const bool there = tag != tags.end();
  if (clause.comparator == Comparator::IsNull) return !there;
  if (clause.comparator == Comparator::IsNotNull) return there;
  if (!there) return false;
  return metadata::text_holds(clause, tag->is_string() ? tag->get<std::string>() : to_text(*tag));
}

}  // namespace

Experiment experiment_of(const ExperimentRecord& record) {
  Experiment experiment{record.id,      record.name, record.lifecycle, record.created,
                        record.updated, {},          record.deleted};
  for (const auto& [key, value] : record.tags.items())
    experiment.tags[key] = value.is_string() ? value.get<std::string>() : to_text(value);
  return experiment;
}

Result<ExperimentPage> find_experiments(const metadata::ReadTransaction& tx,
                                        const ExperimentSearch& search) {
  if (search.limit < 0 || search.offset < 0)
    return invalid_argument("a search's limit and page can't be negative");
  MARTLET_TRY_SET(const std::vector<FilterClause> clauses, metadata::parse_filter(search.filter));
  std::vector<FilterClause> of_tags;
  std::vector<Condition> parts;
  if (search.view != View::All)
    parts.push_back(metadata::equal("lifecycle", search.view == View::Active ? Lifecycle::Active
                                                                             : Lifecycle::Deleted));
  for (const FilterClause& clause : clauses) {
    if (is_tag(clause.name)) {
      if (clause.comparator == Comparator::In || clause.comparator == Comparator::NotIn)
        return invalid_argument(
            fmt::format("Invalid comparator '{}' in filter clause '{}': use one "
                        "of =, !=, LIKE, ILIKE, IS NULL, IS NOT NULL",
                        metadata::name_of(clause.comparator), clause.text));
      if (clause.comparator != Comparator::IsNull && clause.comparator != Comparator::IsNotNull)
        MARTLET_TRY(metadata::text_holds(clause, ""));  // whether it can be understood
      of_tags.push_back(clause);
      continue;
    }
    const std::string column(column_of(clause.name));
    if (column.empty()) return unknown_name(clause.name, clause.text);
    MARTLET_TRY_SET(Condition condition, column == "created" || column == "updated"
                                             ? time_condition(clause, column)
                                             : metadata::text_condition(clause, column));
    parts.push_back(std::move(condition));
  }
  Query query(metadata::all_of(std::move(parts)));
  for (const std::string& term : search.order_by) {
    MARTLET_TRY_SET(const metadata::FilterOrder order, metadata::parse_filter_order(term));
    const std::string column(column_of(order.name));
    if (column.empty() || is_tag(order.name)) return unknown_name(order.name, term);
    // An id is a number.
    query.order_by(column == "id" ? "number" : column, order.order);
  }
  if (search.order_by.empty()) {
    query.order_by("created", Order::Descending).order_by("number");
  } else {
    query.order_by("number", Order::Descending);
  }
  if (of_tags.empty()) query.offset(search.offset).limit(search.limit + 1);
  MARTLET_TRY_SET(const std::vector<ExperimentRecord> records, tx.select<ExperimentRecord>(query));
  ExperimentPage page;
  std::int64_t skipped = of_tags.empty() ? search.offset : 0;
  for (const ExperimentRecord& record : records) {
    bool holds = true;
    for (const FilterClause& clause : of_tags) {
      MARTLET_TRY_SET(const bool this_one, tag_holds(record.tags, clause));
      holds = holds && this_one;
    }
    if (!holds) continue;
    if (skipped < search.offset) {
      ++skipped;
      continue;
    }
    if (std::ssize(page.experiments) == search.limit) {
      page.more = true;
      break;
    }
    page.experiments.push_back(experiment_of(record));
  }
  return page;
}

}  // namespace martlet::tracking
