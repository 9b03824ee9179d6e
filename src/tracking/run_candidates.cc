#include "tracking/internal/run_candidates.h"

#include "tracking/internal/records.h"

#include <algorithm>
#include <limits>

namespace martlet::tracking {

namespace {

using metadata::Condition;
using metadata::ReadTransaction;

// What the clause's records are asked for.
Condition of_experiments(const RunPlan& plan, const RunClause& clause) {
  return clause.entity == RunEntity::Metric ? plan.experiments() && clause.own : clause.own;
}

Result<std::int64_t> count(const ReadTransaction& tx, const RunPlan& plan, const RunClause& clause,
                           std::int64_t limit) {
  const Condition condition = of_experiments(plan, clause);
  switch (clause.entity) {
    case RunEntity::Metric: return tx.count_at_most<MetricRow>(condition, limit);
    case RunEntity::Param: return tx.count_at_most<ParamRecord>(condition, limit);
    case RunEntity::Tag: return tx.count_at_most<TagRecord>(condition, limit);
    default: return tx.count_at_most<InputRow>(condition, limit);
  }
}

// The runs of the records that hold `clause`, where everything else holds as well.
template <class R>
Result<std::vector<RunId>> runs_from(const ReadTransaction& tx, const RunPlan& plan,
                                     const RunClause& clause) {
  const Condition others =
      plan.on_parts("run", [&](const RunClause& other) { return &other == &clause; });
  MARTLET_TRY_SET(const std::vector<R> records,
                  tx.select<R>(of_experiments(plan, clause) && others &&
                               metadata::exists(metadata::related<RunRow>({{"id", "run"}}),
                                                plan.experiments() && plan.on_attributes())));
  std::vector<RunId> ids;
  ids.reserve(records.size());
  for (const R& record : records) ids.push_back(record.run);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());  // a run may have several datasets
  return ids;
}

Result<std::vector<RunId>> runs_from(const ReadTransaction& tx, const RunPlan& plan,
                                     const RunClause& clause) {
  switch (clause.entity) {
    case RunEntity::Metric: return runs_from<MetricRow>(tx, plan, clause);
    case RunEntity::Param: return runs_from<ParamRecord>(tx, plan, clause);
    case RunEntity::Tag: return runs_from<TagRecord>(tx, plan, clause);
    default: return runs_from<InputRow>(tx, plan, clause);
  }
}

}  // namespace

Result<std::optional<std::vector<RunRow>>> few_runs(const ReadTransaction& tx, RunPlan& plan,
                                                    std::int64_t most, Scans scans) {
  constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();
  std::vector<std::pair<std::int64_t, RunClause>> counted;
  for (RunClause& clause : plan.clauses) {
    const bool countable = !clause.absent && clause.entity != RunEntity::Attribute &&
                           !plan.is_ordered_by(clause) && (!clause.scans || scans == Scans::Count);
    std::int64_t records = kUnknown;
    if (countable) {
      MARTLET_TRY_SET(records, count(tx, plan, clause, most + 1));
      if (records > most) records = kUnknown;
    }
    counted.emplace_back(records, std::move(clause));
  }
  std::stable_sort(counted.begin(), counted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < counted.size(); ++i) plan.clauses[i] = std::move(counted[i].second);
  if (counted.empty() || counted.front().first == kUnknown)
    return std::optional<std::vector<RunRow>>();
  MARTLET_TRY_SET(const std::vector<RunId> ids, runs_from(tx, plan, plan.clauses.front()));
  MARTLET_TRY_SET(std::vector<RunRow> runs, fetch_runs<RunRow>(tx, ids));
  return std::optional(std::move(runs));
}

}  // namespace martlet::tracking
