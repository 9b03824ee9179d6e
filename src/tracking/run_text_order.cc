// Runs in the order of a param or a tag. Its index has the texts but no starts, which decide among
// equal texts: where the page takes a part of such runs, they are a search of their own.
#include "tracking/internal/records.h"
#include "tracking/internal/run_candidates.h"
#include "tracking/internal/run_walking.h"

#include <algorithm>

namespace martlet::tracking {

using metadata::Condition;
using metadata::equal;
using metadata::Query;
using metadata::ReadTransaction;

namespace {

// Runs with one text, some of which are on the page.
struct Group {
  std::string text;
  std::vector<RunId> runs;   // those that the walk saw
  std::int64_t skipped = 0;  // that many, of the order, are on earlier pages
  bool whole = false;        // the walk saw them all
};

// All of it in memory.
Result<void> add_whole(const ReadTransaction& tx, const Group& group, std::int64_t wanted,
                       RunIdPage& page) {
  MARTLET_TRY_SET(std::vector<RunRow> runs, fetch_runs<RunRow>(tx, group.runs));
  std::sort(runs.begin(), runs.end(), [](const RunRow& a, const RunRow& b) {
    return a.started != b.started ? a.started > b.started : a.id < b.id;
  });
  for (std::int64_t i = group.skipped; i < std::min(group.skipped + wanted, std::ssize(runs)); ++i)
    page.ids.push_back(runs[static_cast<std::size_t>(i)].id);
  return {};
}

// The newest of those that match.
Result<void> add_some(const ReadTransaction& tx, const RunPlan& plan, const Group& group,
                      std::int64_t wanted, RunIdPage& page) {
  RunSearch search = plan.search;
  search.limit = wanted;
  search.from = {0, group.skipped, {}};
  const RunTerm& term = plan.terms.front();
  RunPlan of_group{search, plan.effort, plan.clauses, {}};
  of_group.clauses.push_back(
      {term.entity, term.key, equal("key", term.key) && equal("value", group.text), false, false});
  MARTLET_TRY_SET(const FoundRuns found, find_planned(tx, of_group));
  for (const RunRecord& run : found.records) page.ids.push_back(run.id);
  return {};
}

template <class R>
Result<std::optional<FoundRuns>> along(const ReadTransaction& tx, const RunPlan& plan,
                                       const RunCursor& from, std::int64_t limit,
                                       const WalkStop& stop) {
  const RunTerm& term = plan.terms.front();
  const std::int64_t wanted = from.offset + limit + 1;
  RunWalk<R, std::string> walk;
  walk.range = equal("key", term.key);
  walk.measure = walk.range;
  walk.tests = plan.on_parts("run", [](const RunClause&) { return false; }) &&
               metadata::exists(metadata::related<RunRow>({{"id", "run"}}),
                                plan.experiments() && plan.on_attributes());
  walk.column = "value";
  walk.order = term.order;
  walk.order_rest = [](Query&) {};
  walk.key_of = [](const R& record) { return record.value; };
  walk.first_slice = plan.effort.first_slice;
  MARTLET_TRY_SET(std::optional<std::vector<R>> seen, walk.first(tx, wanted, stop));
  if (!seen.has_value()) return std::optional<FoundRuns>();
  RunIdPage page;
  const bool more = std::ssize(*seen) == wanted;
  if (more) page.next = RunCursor{0, from.offset + limit, {}};
  std::int64_t place = 0;
  const std::int64_t end = from.offset + limit;
  for (auto first = seen->begin(); first != seen->end() && place < end;) {
    const auto last = std::find_if(first, seen->end(),
                                   [&](const R& record) { return record.value != first->value; });
    Group group{first->value,
                {},
                std::max<std::int64_t>(from.offset - place, 0),
                last != seen->end() || !more};
    for (auto it = first; it != last; ++it) group.runs.push_back(std::move(it->run));
    const std::int64_t size = std::ssize(group.runs);
    const std::int64_t taken = std::min(size, end - place) - group.skipped;
    if (taken > 0 && group.whole) MARTLET_TRY(add_whole(tx, group, taken, page));
    if (taken > 0 && !group.whole) MARTLET_TRY(add_some(tx, plan, group, taken, page));
    place += size;
    first = last;
  }
  MARTLET_TRY_SET(FoundRuns found, fetch_page(tx, page));
  return std::optional(std::move(found));
}

}  // namespace

Result<std::optional<FoundRuns>> by_text(const ReadTransaction& tx, const RunPlan& plan,
                                         const RunCursor& from, std::int64_t limit,
                                         const WalkStop& stop) {
  return plan.terms.front().entity == RunEntity::Param
             ? along<ParamRecord>(tx, plan, from, limit, stop)
             : along<TagRecord>(tx, plan, from, limit, stop);
}

}  // namespace martlet::tracking
