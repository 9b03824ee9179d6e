#include "tracking/internal/run_plan.h"

#include <algorithm>

namespace martlet::tracking {

using metadata::Condition;
using metadata::equal;
using metadata::Order;

namespace {

RunClause exactly(RunEntity entity, const std::string& key, const std::string& value) {
  return {entity, key, equal("key", key) && equal("value", value), false, false};
}

}  // namespace

RunPlace RunPlan::place() const {
  if (terms.empty()) return RunPlace::Started;
  const RunTerm& first = terms.front();
  if (terms.size() == 1 && first.entity == RunEntity::Metric) return RunPlace::Metric;
  if (terms.size() == 1 && first.entity != RunEntity::Attribute) return RunPlace::Text;
  for (const RunTerm& term : terms) {
    if (term.entity != RunEntity::Attribute) return RunPlace::Offset;
  }
  return first.key == "started" ? RunPlace::Started : RunPlace::Offset;
}

Order RunPlan::start_order() const {
  return terms.empty() ? Order::Descending : terms.front().order;
}

bool RunPlan::is_ordered_by(const RunClause& clause) const {
  return place() == RunPlace::Metric && clause.entity == RunEntity::Metric &&
         clause.key == terms.front().key;
}

bool RunPlan::needs(const RunTerm& term) const {
  return std::any_of(clauses.begin(), clauses.end(), [&](const RunClause& clause) {
    return clause.entity == term.entity && clause.key == term.key && !clause.absent;
  });
}

Condition RunPlan::experiments() const {
  if (search.experiments.empty()) return {};
  return search.experiments.size() == 1 ? equal("experiment", search.experiments.front())
                                        : metadata::in("experiment", search.experiments);
}

Condition RunPlan::on_attributes() const {
  std::vector<Condition> parts;
  if (!search.statuses.empty()) parts.push_back(metadata::in("status", search.statuses));
  if (search.view != View::All)
    parts.push_back(
        equal("lifecycle", search.view == View::Active ? Lifecycle::Active : Lifecycle::Deleted));
  for (const RunClause& clause : clauses) {
    if (clause.entity == RunEntity::Attribute) parts.push_back(clause.own);
  }
  return metadata::all_of(std::move(parts));
}

Result<RunPlan> plan_of(const RunSearch& search, const SearchEffort& effort) {
  if (search.limit < 0 || search.from.offset < 0 || search.from.part < 0 ||
      search.from.part >= kParts)
    return invalid_argument("a search's limit and page can't be negative");
  RunPlan plan{search, effort, {}, {}};
  MARTLET_TRY_SET(plan.clauses, parse_run_filter(search.filter));
  MARTLET_TRY_SET(plan.terms, parse_run_order(search.order_by));
  for (const auto& [key, value] : search.tags)
    plan.clauses.push_back(exactly(RunEntity::Tag, key, value));
  for (const auto& [key, value] : search.params)
    plan.clauses.push_back(exactly(RunEntity::Param, key, value));
  return plan;
}

void order_runs(metadata::Query& query, const std::vector<RunTerm>& terms) {
  bool by_start = false;
  for (const RunTerm& term : terms) {
    query.order_by_nulls_last(term.key, term.order);
    by_start = by_start || term.key == "started";
    if (term.key == "id") return;  // no ties are left
  }
  if (!by_start) query.order_by("started", Order::Descending);
  query.order_by("id");
}

}  // namespace martlet::tracking
