#include "tracking/internal/run_walking.h"

#include "tracking/internal/run_candidates.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

namespace martlet::tracking {

using metadata::Condition;
using metadata::equal;
using metadata::Order;
using metadata::Query;
using metadata::ReadTransaction;

namespace {

// Of what a walk from `from` on has found, asked for one more than belongs to the page: that one
// tells whether there is another page.
template <class R, class At>
std::optional<RunCursor> cut(std::vector<R>& found, const RunCursor& from, std::int64_t limit,
                             At at) {
  const std::int64_t end = from.offset + limit;
  std::optional<RunCursor> next;
  if (std::ssize(found) > end) {
    found.resize(static_cast<std::size_t>(end));
    next = from;
    if (end > 0) {
      next = RunCursor{from.part, 0, at(found.back())};
      for (auto it = found.rbegin(); it != found.rend() && at(*it) == *next->at; ++it)
        ++next->offset;
    }
  }
  found.erase(found.begin(),
              found.begin() + std::min<std::int64_t>(from.offset, std::ssize(found)));
  return next;
}

// Several experiments have no common order in an index: the slices of their runs are measured
// among all runs, unless they are so few that they may be sorted each time.
Result<Condition> measured_experiments(const ReadTransaction& tx, const RunPlan& plan) {
  if (plan.search.experiments.size() < 2) return plan.experiments();
  MARTLET_TRY_SET(const std::int64_t runs,
                  tx.count_at_most<RunRow>(plan.experiments(), plan.effort.sorted + 1));
  return runs > plan.effort.sorted ? Condition() : plan.experiments();
}

// Where nothing is left but to leave deleted runs out, each step finds a run.
std::int64_t first_slice(const RunPlan& plan) {
  const bool plain = std::all_of(plan.clauses.begin(), plan.clauses.end(),
                                 [&](const auto& clause) { return plan.is_ordered_by(clause); });
  return plain && plan.search.experiments.size() < 2 ? 0 : plan.effort.first_slice;
}

}  // namespace

// The records of one page, in order.
Result<FoundRuns> fetch_page(const ReadTransaction& tx, const RunIdPage& page) {
  FoundRuns found;
  found.next = page.next;
  MARTLET_TRY_SET(found.records, fetch_runs<RunRecord>(tx, page.ids));
  std::unordered_map<RunId, std::size_t> place;
  for (const RunId& id : page.ids) place.emplace(id, place.size());
  std::sort(
      found.records.begin(), found.records.end(),
      [&](const RunRecord& a, const RunRecord& b) { return place.at(a.id) < place.at(b.id); });
  return found;
}

// Along the starts; `tests` is about RunRecord.
Result<std::optional<FoundRuns>> by_start(const ReadTransaction& tx, const RunPlan& plan,
                                          Condition tests, const RunCursor& from,
                                          std::int64_t limit, const WalkStop& stop) {
  const bool ordered = plan.place() == RunPlace::Started;
  RunWalk<RunRecord, Timestamp> walk;
  walk.range = plan.experiments();
  MARTLET_TRY_SET(walk.measure, measured_experiments(tx, plan));
  walk.tests = std::move(tests);
  walk.column = "started";
  walk.order = ordered ? plan.start_order() : Order::Descending;
  walk.order_rest = [&](Query& query) {
    for (std::size_t i = 1; ordered && i < plan.terms.size(); ++i) {
      query.order_by_nulls_last(plan.terms[i].key, plan.terms[i].order);
      if (plan.terms[i].key == "id") return;
    }
    query.order_by("id");
  };
  walk.key_of = [](const RunRecord& run) { return run.started; };
  walk.first_slice = first_slice(plan);
  if (from.at.has_value()) walk.begin = Timestamp{*from.at};
  MARTLET_TRY_SET(std::optional<std::vector<RunRecord>> records,
                  walk.first(tx, from.offset + limit + 1, stop));
  if (!records.has_value()) return std::optional<FoundRuns>();
  FoundRuns found;
  found.next = cut(*records, from, limit, [](const RunRecord& run) { return run.started.micros; });
  found.records = std::move(*records);
  return std::optional(std::move(found));
}

// Along the values of the metric that is ordered by, or along the starts of those with NaN.
Result<std::optional<FoundRuns>> by_value(const ReadTransaction& tx, const RunPlan& plan,
                                          const RunCursor& from, std::int64_t limit,
                                          const WalkStop& stop) {
  const RunTerm& term = plan.terms.front();
  RunWalk<MetricRow, double> walk;
  Condition of_metric = equal("key", term.key);
  const auto ordered_by = [&](const RunClause& clause) { return plan.is_ordered_by(clause); };
  for (const RunClause& clause : plan.clauses) {
    if (ordered_by(clause)) of_metric = std::move(of_metric) && clause.own;
  }
  walk.tests = plan.on_parts("run", ordered_by) &&
               metadata::exists(metadata::related<RunRow>({{"id", "run"}}), plan.on_attributes());
  const std::int64_t wanted = from.offset + limit + 1;
  std::optional<std::vector<MetricRow>> metrics;
  if (from.part == 0) {
    of_metric = std::move(of_metric) && metadata::is_not_null("value");
    walk.range = plan.experiments() && of_metric;
    MARTLET_TRY_SET(walk.measure, measured_experiments(tx, plan));
    walk.measure = std::move(walk.measure) && std::move(of_metric);
    walk.column = "value";
    walk.order = term.order;
    walk.order_rest = [](Query& query) {
      query.order_by("started", Order::Descending).order_by("run");
    };
    walk.key_of = [](const MetricRow& metric) { return metric.value; };
    walk.first_slice = first_slice(plan);
    if (from.at.has_value()) walk.begin = std::bit_cast<double>(*from.at);
    MARTLET_TRY_SET(metrics, walk.first(tx, wanted, stop));
    if (!metrics.has_value()) return std::optional<FoundRuns>();
  } else {
    Condition condition = plan.experiments() && std::move(of_metric) && metadata::is_null("value");
    if (from.at.has_value())
      condition = std::move(condition) && metadata::at_most("started", Timestamp{*from.at});
    Query query(std::move(condition) && std::move(walk.tests));
    query.order_by("started", Order::Descending).order_by("run").limit(wanted);
    MARTLET_TRY_SET(metrics, tx.select<MetricRow>(query));
  }
  RunIdPage page;
  page.next = cut(*metrics, from, limit, [&](const MetricRow& metric) {
    if (from.part > 0) return metric.started.micros;
    return std::bit_cast<std::int64_t>(metric.value == 0 ? 0.0 : metric.value);
  });
  for (const MetricRow& metric : *metrics) page.ids.push_back(metric.run);
  MARTLET_TRY_SET(FoundRuns found, fetch_page(tx, page));
  return std::optional(std::move(found));
}

}  // namespace martlet::tracking
