#include "tracking/trace.h"

#include "base/text.h"
#include "metadata/database.h"
#include "metadata/filter.h"
#include "tracking/internal/records.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::tracking {

namespace {

using metadata::Comparator;
using metadata::Condition;
using metadata::equal;
using metadata::FilterClause;
using metadata::FilterName;
using metadata::Order;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

constexpr std::string_view kTag = "tag";
constexpr std::string_view kMetadata = "metadata";
constexpr const char* kNameKey = "mlflow.traceName";
constexpr const char* kRunKey = "mlflow.sourceRun";
constexpr std::int64_t kMicrosPerMilli = 1000;

Result<void> check(const Trace& trace) {
  const bool plain =
      !trace.id.empty() && trace.id.size() <= 250 &&
      trace.id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789-_") == std::string::npos;
  if (!plain)
    return invalid_argument(fmt::format("'{}' is no id of a trace: letters, digits, '-' and '_'",
                                        trace.id.substr(0, 100)));
  RunBatch batch;  // by the rules for what runs log
  batch.tags = trace.tags;
  return check_batch(batch);
}

Result<TraceRecord> require(const ReadTransaction& tx, const std::string& id) {
  MARTLET_TRY_SET(const std::optional<TraceRecord> record, tx.get<TraceRecord>(id));
  if (!record.has_value())
    return not_found(fmt::format("Trace with ID '{}' not found.", id.substr(0, 250)));
  return *record;
}

Result<Trace> load(const ReadTransaction& tx, TraceRecord record) {
  Trace trace{record.id,
              record.experiment,
              record.requested,
              record.duration_micros,
              record.state,
              std::move(record.details),
              {},
              {}};
  MARTLET_TRY_SET(std::vector<TraceTextRecord> texts,
                  tx.select<TraceTextRecord>(equal("trace", trace.id)));
  for (TraceTextRecord& text : texts)
    (text.kind == kTag ? trace.tags : trace.metadata)[text.key] = std::move(text.value);
  return trace;
}

Condition with_text(std::string_view kind, const std::string& key, Condition value) {
  return metadata::exists(metadata::related<TraceTextRecord>({{"trace", "id"}}),
                          equal("kind", std::string(kind)) && equal("key", key) &&
                              std::move(value));
}

Result<Condition> text_clause(const FilterClause& clause, std::string_view kind,
                              const std::string& key) {
  if (clause.comparator == Comparator::IsNull)
    return metadata::negate(with_text(kind, key, metadata::is_not_null("value")));
  MARTLET_TRY_SET(Condition value, metadata::text_condition(clause, "value"));
  return with_text(kind, key, std::move(value));
}

// Milliseconds against microseconds.
Result<Condition> millis_clause(const FilterClause& clause, const std::string& column) {
  MARTLET_TRY_SET(const std::int64_t millis, metadata::filter_integer(clause));
  constexpr std::int64_t kMost = 9'000'000'000'000'000;
  const std::int64_t from = std::clamp(millis, -kMost, kMost) * kMicrosPerMilli;
  const std::int64_t next = from + kMicrosPerMilli;
  switch (clause.comparator) {
    case Comparator::Equal: return metadata::at_least(column, from) && metadata::less(column, next);
    case Comparator::NotEqual:
      return metadata::less(column, from) || metadata::at_least(column, next);
    case Comparator::Less: return metadata::less(column, from);
    case Comparator::AtMost: return metadata::less(column, next);
    case Comparator::Greater: return metadata::at_least(column, next);
    case Comparator::AtLeast: return metadata::at_least(column, from);
    default: return metadata::integer_condition(clause, column);  // says what fits
  }
}

std::string column_of_time(const std::string& key) {
  if (key == "timestamp_ms" || key == "timestamp" || key == "request_time") return "requested";
  if (key == "execution_time_ms" || key == "execution_time" || key == "execution_duration")
    return "duration_micros";
  return "";
}

Result<Condition> condition_of(const FilterClause& clause) {
  const FilterName& name = clause.name;
  if (name.entity == "tag" || name.entity == "tags") return text_clause(clause, kTag, name.key);
  if (name.entity == "metadata" || name.entity == "request_metadata")
    return text_clause(clause, kMetadata, name.key);
  const bool attribute = name.entity.empty() || name.entity == "attribute" ||
                         name.entity == "attributes" || name.entity == "trace" ||
                         name.entity == "attr";
  if (attribute) {
    const std::string key = lower_ascii(name.key);
    if (const std::string column = column_of_time(key); !column.empty())
      return millis_clause(clause, column);
    if (key == "status" || key == "state") return metadata::text_condition(clause, "state");
    if (key == "request_id" || key == "trace_id") return metadata::text_condition(clause, "id");
    if (key == "name") return text_clause(clause, kTag, kNameKey);
    if (key == "run_id") return text_clause(clause, kMetadata, kRunKey);
  }
  return invalid_argument(fmt::format(
      "Invalid attribute key '{}' in filter clause '{}': traces are searched by status, "
      "timestamp_ms, execution_time_ms, request_id, name, run_id, tags.KEY and metadata.KEY",
      name.entity.empty() ? name.key : name.entity + "." + name.key, clause.text));
}

Result<Query> query_of(const TraceSearch& search) {
  std::vector<Condition> parts{metadata::in("experiment", search.experiments)};
  MARTLET_TRY_SET(const std::vector<FilterClause> clauses, metadata::parse_filter(search.filter));
  for (const FilterClause& clause : clauses) {
    MARTLET_TRY_SET(Condition condition, condition_of(clause));
    parts.push_back(std::move(condition));
  }
  Query query(metadata::all_of(std::move(parts)));
  bool by_time = false;
  for (const std::string& term : search.order_by) {
    MARTLET_TRY_SET(const metadata::FilterOrder order, metadata::parse_filter_order(term));
    const std::string column = column_of_time(lower_ascii(order.name.key));
    if (column.empty())
      return invalid_argument(fmt::format(
          "Invalid order_by '{}': traces are ordered by timestamp_ms and execution_time_ms", term));
    query.order_by_nulls_last(column, order.order);
    by_time = by_time || column == "requested";
  }
  if (!by_time) query.order_by("requested", Order::Descending);
  query.order_by("id");
  return query;
}

Result<void> remove_trace(Transaction& tx, const std::string& id) {
  MARTLET_TRY(tx.remove_where<TraceTextRecord>(equal("trace", id)));
  MARTLET_TRY(tx.remove_where<TraceFileRecord>(equal("trace", id)));
  return tx.remove<TraceRecord>(id).map([](bool) {});
}

}  // namespace

Result<Trace> Traces::put(const Trace& trace, const metadata::Also<Trace>& also) {
  MARTLET_TRY(check(trace));
  return database_.write([&](Transaction& tx) -> Result<Trace> {
    MARTLET_TRY_SET(const ExperimentRecord experiment,
                    tx.require<ExperimentRecord>("experiment", trace.experiment));
    if (experiment.lifecycle == Lifecycle::Deleted) {
      return invalid_argument(fmt::format(
          "experiment {} is deleted and takes no traces; restore it first", experiment.id.text()));
    }
    TraceRecord record{trace.id,    trace.experiment, trace.requested, trace.duration_micros,
                       trace.state, trace.details};
    MARTLET_TRY(tx.put(record));
    for (const auto& [key, value] : trace.tags)
      MARTLET_TRY(tx.put(TraceTextRecord{trace.id, std::string(kTag), key, value}));
    for (const auto& [key, value] : trace.metadata)
      MARTLET_TRY(tx.put(TraceTextRecord{trace.id, std::string(kMetadata), key, value}));
    return metadata::with(tx, load(tx, std::move(record)), also);
  });
}

Result<Trace> Traces::trace(const std::string& id) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<Trace> {
    MARTLET_TRY_SET(TraceRecord record, require(tx, id));
    return load(tx, std::move(record));
  });
}

Result<void> Traces::set_tag(const std::string& id, const std::string& key,
                             const std::string& value) {
  RunBatch batch;
  batch.tags[key] = value;
  MARTLET_TRY(check_batch(batch));
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY(require(tx, id));
    return tx.put(TraceTextRecord{id, std::string(kTag), key, value});
  });
}

Result<void> Traces::remove_tag(const std::string& id, const std::string& key) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY(require(tx, id));
    MARTLET_TRY_SET(const bool removed, tx.remove<TraceTextRecord>(id, kTag, key));
    if (!removed) return not_found(fmt::format("trace {} has no tag \"{}\"", id, key));
    return {};
  });
}

Result<TracePage> Traces::search(const TraceSearch& search) const {
  if (search.limit < 0 || search.offset < 0)
    return invalid_argument("a search's limit and page can't be negative");
  MARTLET_TRY_SET(Query query, query_of(search));
  query.offset(search.offset).limit(search.limit + 1);
  return database_.read([&](const ReadTransaction& tx) -> Result<TracePage> {
    MARTLET_TRY_SET(std::vector<TraceRecord> records, tx.select<TraceRecord>(query));
    TracePage page;
    page.more = std::ssize(records) > search.limit;
    if (page.more) records.pop_back();
    for (TraceRecord& record : records) {
      MARTLET_TRY_SET(Trace trace, load(tx, std::move(record)));
      page.traces.push_back(std::move(trace));
    }
    return page;
  });
}

Result<std::int64_t> Traces::remove(const ExperimentId& experiment,
                                    const std::vector<std::string>& ids,
                                    std::optional<Timestamp> up_to,
                                    std::optional<std::int64_t> most) {
  Condition which = equal("experiment", experiment);
  if (!ids.empty()) which = std::move(which) && metadata::in("id", ids);
  if (up_to.has_value()) which = std::move(which) && metadata::at_most("requested", *up_to);
  Query query(std::move(which));
  query.order_by("requested").order_by("id");
  if (most.has_value()) query.limit(*most);
  return database_.write([&](Transaction& tx) -> Result<std::int64_t> {
    MARTLET_TRY_SET(const std::vector<TraceRecord> records, tx.select<TraceRecord>(query));
    for (const TraceRecord& record : records) MARTLET_TRY(remove_trace(tx, record.id));
    return static_cast<std::int64_t>(records.size());
  });
}

}  // namespace martlet::tracking
