// tracking/internal/run_candidates.h: the runs that match, found from the clause that the fewest
// records hold.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "tracking/internal/run_batches.h"
#include "tracking/internal/run_plan.h"
#include "tracking/internal/run_rows.h"

#include <cstdint>
#include <iterator>
#include <optional>
#include <vector>

namespace martlet::tracking {

enum class Scans : std::uint8_t { Skip, Count };  // clauses whose records no index counts

// Every run that matches, in no order, when at most `most` records hold some clause; nullopt
// otherwise. Puts the clauses into the order of how many records hold them, as far as it has
// looked. A clause on the metric that is ordered by is not begun with: the walk along that metric
// begins where it holds.
Result<std::optional<std::vector<RunRow>>> few_runs(const metadata::ReadTransaction& tx,
                                                    RunPlan& plan, std::int64_t most, Scans scans);

// R: RunRecord or RunRow. Of those runs, in no order; runs that aren't there are left out.
template <class R>
Result<std::vector<R>> fetch_runs(const metadata::ReadTransaction& tx,
                                  const std::vector<RunId>& ids) {
  std::vector<R> records;
  records.reserve(ids.size());
  MARTLET_TRY(
      in_batches("id", ids, [&](const metadata::Condition& of_some, auto, auto) -> Result<void> {
        MARTLET_TRY_SET(std::vector<R> found, tx.template select<R>(of_some));
        std::move(found.begin(), found.end(), std::back_inserter(records));
        return {};
      }));
  return records;
}

}  // namespace martlet::tracking
