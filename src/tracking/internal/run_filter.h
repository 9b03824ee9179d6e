// tracking/internal/run_filter.h: what the clauses and terms of a run search mean.
#pragma once
#include "base/result.h"
#include "metadata/filter.h"
#include "metadata/query.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::tracking {

enum class RunEntity : std::uint8_t { Attribute, Metric, Param, Tag, Dataset };

// One clause. Of an attribute, `own` is about RunRecord; of anything else about the record of its
// kind that belongs to a run (MetricRecord …), and `absent` says that there must be none.
struct RunClause {
  RunEntity entity = RunEntity::Attribute;
  std::string key;
  metadata::Condition own;
  bool absent = false;
  // No index knows how many records hold it: all of its key must be looked at.
  bool scans = false;

  // About a record whose column `run` is a run's id; of an attribute: about RunRecord.
  metadata::Condition on(const std::string& run) const;
  metadata::Condition on_run() const { return on("id"); }
};

struct RunTerm {
  RunEntity entity = RunEntity::Attribute;
  std::string key;  // of an attribute: the column of RunRecord
  metadata::Order order = metadata::Order::Ascending;
};

// InvalidArgument naming the first clause that can't be understood: an unknown entity or attribute,
// a comparator or a value that doesn't fit.
Result<std::vector<RunClause>> parse_run_filter(std::string_view text);
// InvalidArgument: as above, a dataset, or the same name twice.
Result<std::vector<RunTerm>> parse_run_order(const std::vector<std::string>& terms);

}  // namespace martlet::tracking
