// tracking/internal/run_sorting.h: runs put into the order of a search in memory, and cut to its
// page.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "tracking/internal/run_plan.h"
#include "tracking/internal/run_rows.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace martlet::tracking {

// Those of one page, in order.
struct RunIdPage {
  std::vector<RunId> ids;
  std::optional<RunCursor> next;
};

// Orders as the database does, and by what else belongs to a run.
class RunSorter {
 public:
  // For these runs. The plan must outlive it.
  static Result<RunSorter> create(const metadata::ReadTransaction& tx, const RunPlan& plan,
                                  const std::vector<RunRow>& runs);
  RunIdPage page(std::vector<RunRow> runs) const;

 private:
  // Of one term that is no attribute.
  struct Values {
    std::unordered_map<RunId, double> numbers;
    std::unordered_map<RunId, std::string> texts;
  };
  struct Place {
    std::int64_t part = 0;
    std::int64_t at = 0;
    bool operator==(const Place&) const = default;
  };
  explicit RunSorter(const RunPlan& plan) : plan_(plan) {}
  bool before(const RunRow& a, const RunRow& b) const;
  Place place_of(const RunRow& run) const;
  bool before_the_page(const RunRow& run) const;

  const RunPlan& plan_;
  std::vector<Values> values_;  // by term
};

}  // namespace martlet::tracking
