#include "tracking/internal/run_finding.h"

#include "tracking/internal/run_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace martlet::tracking {

namespace {

using metadata::Condition;
using metadata::equal;
using metadata::Order;
using metadata::Query;
using metadata::ReadTransaction;

constexpr std::int64_t kRare = 5'000;     // runs; fewer are looked at one by one
constexpr std::size_t kAtOnce = 500;      // runs fetched by one statement
constexpr std::int64_t kMetricParts = 3;  // with a number, with NaN, without the metric

// A search, understood.
struct Plan {
  const RunSearch& search;
  std::vector<RunClause> clauses;
  std::vector<RunTerm> terms;

  // About RunRecord, without the clauses that `skip` says.
  template <class Skip>
  Condition on_run(Skip skip) const {
    std::vector<Condition> parts;
    if (!search.experiments.empty()) parts.push_back(experiments());
    if (!search.statuses.empty()) parts.push_back(metadata::in("status", search.statuses));
    if (search.view != View::All)
      parts.push_back(
          equal("lifecycle", search.view == View::Active ? Lifecycle::Active : Lifecycle::Deleted));
    for (const RunClause& clause : clauses) {
      if (!skip(clause)) parts.push_back(clause.on_run());
    }
    return metadata::all_of(std::move(parts));
  }
  Condition on_run() const {
    return on_run([](const RunClause&) { return false; });
  }
  Condition experiments() const {
    return search.experiments.size() == 1 ? equal("experiment", search.experiments.front())
                                          : metadata::in("experiment", search.experiments);
  }
};

RunClause exactly(RunEntity entity, const std::string& key, const std::string& value) {
  return {entity, key, equal("key", key) && equal("value", value), false};
}

Result<Plan> plan_of(const RunSearch& search) {
  if (search.limit < 0 || search.from.offset < 0 || search.from.part < 0 ||
      search.from.part >= kMetricParts)
    return invalid_argument("a search's limit and page can't be negative");
  Plan plan{search, {}, {}};
  MARTLET_TRY_SET(plan.clauses, parse_run_filter(search.filter));
  MARTLET_TRY_SET(plan.terms, parse_run_order(search.order_by));
  for (const auto& [key, value] : search.tags)
    plan.clauses.push_back(exactly(RunEntity::Tag, key, value));
  for (const auto& [key, value] : search.params)
    plan.clauses.push_back(exactly(RunEntity::Param, key, value));
  return plan;
}

bool all_are_columns(const std::vector<RunTerm>& terms) {
  return std::all_of(terms.begin(), terms.end(),
                     [](const RunTerm& term) { return term.entity == RunEntity::Attribute; });
}

void order_by_columns(Query& query, const std::vector<RunTerm>& terms) {
  bool by_start = false;
  for (const RunTerm& term : terms) {
    query.order_by_nulls_last(term.key, term.order);
    by_start = by_start || term.key == "started";
    if (term.key == "id") return;  // no ties are left
  }
  if (!by_start) query.order_by("started", Order::Descending);
  query.order_by("id");
}

Result<std::vector<RunRecord>> fetch(const ReadTransaction& tx, const std::vector<RunId>& ids,
                                     const Condition& condition) {
  std::vector<RunRecord> records;
  for (std::size_t begin = 0; begin < ids.size(); begin += kAtOnce) {
    const std::vector<RunId> some(
        ids.begin() + static_cast<std::ptrdiff_t>(begin),
        ids.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kAtOnce, ids.size())));
    MARTLET_TRY_SET(std::vector<RunRecord> found,
                    tx.select<RunRecord>(metadata::in("id", some) && condition));
    std::move(found.begin(), found.end(), std::back_inserter(records));
  }
  return records;
}

// What is there beyond the page tells whether there is another one.
FoundRuns cut(std::vector<RunRecord> records, const RunSearch& search, std::int64_t skip) {
  FoundRuns found;
  const auto first = static_cast<std::size_t>(std::min<std::int64_t>(skip, std::ssize(records)));
  const auto last =
      static_cast<std::size_t>(std::min<std::int64_t>(skip + search.limit, std::ssize(records)));
  if (last < records.size()) found.next = RunCursor{0, search.from.offset + search.limit};
  found.records.assign(
      std::make_move_iterator(records.begin() + static_cast<std::ptrdiff_t>(first)),
      std::make_move_iterator(records.begin() + static_cast<std::ptrdiff_t>(last)));
  return found;
}

// --- ordered by the latest value of one metric

// The runs of one part of the order, from its `offset` on.
Result<std::vector<RunRecord>> metric_part(const ReadTransaction& tx, const Plan& plan,
                                           const RunTerm& term, std::int64_t part,
                                           std::int64_t offset, std::int64_t limit) {
  const auto same_metric = [&](const RunClause& clause) {
    return clause.entity == RunEntity::Metric && clause.key == term.key;
  };
  if (part == 2) {
    const bool needs_it = std::any_of(plan.clauses.begin(), plan.clauses.end(), same_metric);
    if (needs_it) return std::vector<RunRecord>();
    const RunClause without{RunEntity::Metric, term.key, equal("key", term.key), true};
    Query query(plan.on_run() && without.on_run());
    order_by_columns(query, {});
    return tx.select<RunRecord>(query.offset(offset).limit(limit));
  }
  Condition condition = equal("key", term.key);
  if (!plan.search.experiments.empty()) condition = plan.experiments() && std::move(condition);
  for (const RunClause& clause : plan.clauses) {
    if (same_metric(clause)) condition = std::move(condition) && clause.own;
  }
  condition =
      std::move(condition) &&
      (part == 0 ? metadata::is_not_null("value") : metadata::is_null("value")) &&
      metadata::exists(metadata::related<RunRecord>({{"id", "run"}}), plan.on_run(same_metric));
  Query query(std::move(condition));
  if (part == 0) query.order_by("value", term.order);
  query.order_by("started", Order::Descending).order_by("run");
  MARTLET_TRY_SET(const std::vector<MetricRecord> metrics,
                  tx.select<MetricRecord>(query.offset(offset).limit(limit)));
  std::vector<RunId> ids;
  std::unordered_map<RunId, std::size_t> place;
  for (const MetricRecord& metric : metrics) {
    place[metric.run] = ids.size();
    ids.push_back(metric.run);
  }
  MARTLET_TRY_SET(std::vector<RunRecord> records, fetch(tx, ids, {}));
  std::sort(records.begin(), records.end(), [&](const RunRecord& a, const RunRecord& b) {
    return place.at(a.id) < place.at(b.id);
  });
  return records;
}

Result<FoundRuns> by_metric(const ReadTransaction& tx, const Plan& plan) {
  FoundRuns found;
  RunCursor at = plan.search.from;
  for (; at.part < kMetricParts; at = {at.part + 1, 0}) {
    const std::int64_t wanted = plan.search.limit - std::ssize(found.records);
    // One more than is wanted tells whether there is another page.
    MARTLET_TRY_SET(std::vector<RunRecord> records,
                    metric_part(tx, plan, plan.terms.front(), at.part, at.offset, wanted + 1));
    const bool more = std::ssize(records) > wanted;
    if (more) records.resize(static_cast<std::size_t>(wanted));
    at.offset += std::ssize(records);
    std::move(records.begin(), records.end(), std::back_inserter(found.records));
    if (more) {
      found.next = at;
      return found;
    }
  }
  return found;
}

// --- ordered by columns of the run

Condition of_experiments(const Plan& plan, const RunClause& clause) {
  const bool metric = clause.entity == RunEntity::Metric;
  return metric && !plan.search.experiments.empty() ? plan.experiments() && clause.own : clause.own;
}

bool is_walked(const Plan& plan, const RunClause& clause) {
  return plan.terms.size() == 1 && plan.terms.front().entity == RunEntity::Metric &&
         clause.entity == RunEntity::Metric && clause.key == plan.terms.front().key;
}

template <class R>
Result<std::optional<std::vector<RunId>>> few(const ReadTransaction& tx, const Condition& of_it) {
  MARTLET_TRY_SET(const std::int64_t count, tx.count_at_most<R>(of_it, kRare + 1));
  if (count > kRare) return std::optional<std::vector<RunId>>();
  MARTLET_TRY_SET(const std::vector<R> records, tx.select<R>(of_it));
  std::vector<RunId> ids;
  for (const R& record : records) ids.push_back(record.run);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return std::optional<std::vector<RunId>>(std::move(ids));
}

// The only runs that can match, when some clause holds for few. A clause on the metric that is
// ordered by is none of them: the walk along that metric begins where it holds.
Result<std::optional<std::vector<RunId>>> candidates(const ReadTransaction& tx, const Plan& plan) {
  for (const RunClause& clause : plan.clauses) {
    if (clause.absent || clause.entity == RunEntity::Attribute || is_walked(plan, clause)) continue;
    const Condition of_it = of_experiments(plan, clause);
    Result<std::optional<std::vector<RunId>>> ids = std::optional<std::vector<RunId>>();
    if (clause.entity == RunEntity::Metric) ids = few<MetricRecord>(tx, of_it);
    if (clause.entity == RunEntity::Param) ids = few<ParamRecord>(tx, of_it);
    if (clause.entity == RunEntity::Tag) ids = few<TagRecord>(tx, of_it);
    if (clause.entity == RunEntity::Dataset) ids = few<InputRecord>(tx, of_it);
    if (!ids.has_value() || ids->has_value()) return ids;
  }
  return std::optional<std::vector<RunId>>();
}

// Orders in memory as order_by_columns() does in the database, and by what else belongs to a run.
class Sorter {
 public:
  // For these runs.
  static Result<Sorter> create(const ReadTransaction& tx, const Plan& plan,
                               const std::vector<RunRecord>& runs) {
    Sorter sorter;
    for (const RunTerm& term : plan.terms) {
      Values values{term, {}, {}};
      if (term.entity == RunEntity::Metric) {
        MARTLET_TRY(each<MetricRecord>(tx, term.key, runs, [&](MetricRecord& metric) {
          values.numbers[metric.run] = metric.value;
        }));
      } else if (term.entity == RunEntity::Param) {
        MARTLET_TRY(read<ParamRecord>(tx, term.key, runs, values));
      } else if (term.entity == RunEntity::Tag) {
        MARTLET_TRY(read<TagRecord>(tx, term.key, runs, values));
      }
      sorter.values_.push_back(std::move(values));
    }
    return sorter;
  }

  bool operator()(const RunRecord& a, const RunRecord& b) const {
    for (const Values& values : values_) {
      const int order = compare(values, a, b);
      if (order != 0) return order < 0;
    }
    if (a.started != b.started) return a.started > b.started;
    return a.id < b.id;
  }

 private:
  struct Values {
    RunTerm term;
    std::unordered_map<RunId, double> numbers;
    std::unordered_map<RunId, std::string> texts;
  };

  // The records of that key: asked for run by run when the runs are few.
  template <class R, class Function>
  static Result<void> each(const ReadTransaction& tx, const std::string& key,
                           const std::vector<RunRecord>& runs, Function function) {
    const auto take = [&](const Condition& condition) -> Result<void> {
      MARTLET_TRY_SET(std::vector<R> records, tx.select<R>(condition));
      for (R& record : records) function(record);
      return {};
    };
    if (std::ssize(runs) > kRare) return take(equal("key", key));
    for (std::size_t begin = 0; begin < runs.size(); begin += kAtOnce) {
      std::vector<RunId> some;
      for (std::size_t i = begin; i < std::min(begin + kAtOnce, runs.size()); ++i)
        some.push_back(runs[i].id);
      MARTLET_TRY(take(metadata::in("run", some) && equal("key", key)));
    }
    return {};
  }
  template <class R>
  static Result<void> read(const ReadTransaction& tx, const std::string& key,
                           const std::vector<RunRecord>& runs, Values& values) {
    return each<R>(tx, key, runs,
                   [&](R& record) { values.texts[record.run] = std::move(record.value); });
  }

  template <class T>
  static int directed(const T& a, const T& b, Order order) {
    if (a == b) return 0;
    return (a < b) == (order == Order::Ascending) ? -1 : 1;
  }

  // Those without a value come last in both directions.
  template <class Map>
  static int compare_in(const Map& map, const RunRecord& a, const RunRecord& b, Order order) {
    const auto left = map.find(a.id);
    const auto right = map.find(b.id);
    if (left == map.end() || right == map.end()) {
      return left == right ? 0 : (left == map.end() ? 1 : -1);
    }
    if constexpr (std::is_same_v<typename Map::mapped_type, double>) {
      const bool left_nan = std::isnan(left->second);
      const bool right_nan = std::isnan(right->second);
      if (left_nan || right_nan) return left_nan == right_nan ? 0 : (left_nan ? 1 : -1);
    }
    return directed(left->second, right->second, order);
  }

  static int compare(const Values& values, const RunRecord& a, const RunRecord& b) {
    const Order order = values.term.order;
    const std::string& key = values.term.key;
    if (values.term.entity == RunEntity::Metric) return compare_in(values.numbers, a, b, order);
    if (values.term.entity != RunEntity::Attribute) return compare_in(values.texts, a, b, order);
    if (key == "started") return directed(a.started, b.started, order);
    if (key == "ended") {
      if (!a.ended || !b.ended) return a.ended == b.ended ? 0 : (a.ended ? -1 : 1);
      return directed(*a.ended, *b.ended, order);
    }
    if (key == "name") return directed(a.name, b.name, order);
    if (key == "user") return directed(a.user, b.user, order);
    if (key == "status") return directed(name_of(a.status), name_of(b.status), order);
    if (key == "experiment") return directed(a.experiment, b.experiment, order);
    return directed(a.id, b.id, order);
  }

  std::vector<Values> values_;
};

Result<FoundRuns> in_memory(const ReadTransaction& tx, const Plan& plan,
                            std::vector<RunRecord> records) {
  MARTLET_TRY_SET(const Sorter sorter, Sorter::create(tx, plan, records));
  std::sort(records.begin(), records.end(), sorter);
  return cut(std::move(records), plan.search, plan.search.from.offset);
}

Result<FoundRuns> by_columns(const ReadTransaction& tx, const Plan& plan) {
  Query query(plan.on_run());
  order_by_columns(query, plan.terms);
  MARTLET_TRY_SET(
      std::vector<RunRecord> records,
      tx.select<RunRecord>(query.offset(plan.search.from.offset).limit(plan.search.limit + 1)));
  return cut(std::move(records), plan.search, 0);
}

}  // namespace

Result<FoundRuns> find_runs(const ReadTransaction& tx, const RunSearch& search) {
  MARTLET_TRY_SET(const Plan plan, plan_of(search));
  MARTLET_TRY_SET(const std::optional<std::vector<RunId>> ids, candidates(tx, plan));
  if (ids.has_value()) {
    MARTLET_TRY_SET(std::vector<RunRecord> records, fetch(tx, *ids, plan.on_run()));
    return in_memory(tx, plan, std::move(records));
  }
  if (plan.terms.size() == 1 && plan.terms.front().entity == RunEntity::Metric)
    return by_metric(tx, plan);
  if (all_are_columns(plan.terms)) return by_columns(tx, plan);
  MARTLET_TRY_SET(std::vector<RunRecord> records, tx.select<RunRecord>(plan.on_run()));
  return in_memory(tx, plan, std::move(records));
}

}  // namespace martlet::tracking
