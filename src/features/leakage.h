// features/leakage.h: columns that a model must not see, found in the data (DESIGN §12.3).
//
// By *power*: the column predicts the target almost alone. By *availability*: it isn't known yet
// when the decision is made. A report is evidence, not proof: it names a figure and says why;
// people drop the column or declare since when it's known. Pure function; callers: lifecycle (run,
// check, init).
#pragma once
#include "base/zone.h"
#include "columns/batch.h"
#include "features/task.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::features {

// Power is the AUC of the column alone (binary; multiclass: one against the rest, averaged by class
// sizes), in whichever direction; for regression the absolute rank correlation (Spearman). Numbers
// and times are ranked by value, missing ones first or last, whichever tells more; texts and
// booleans by their out-of-fold mean target (five folds, m-estimate with m = 10). A number whose
// out-of-fold mean over 50 quantile bins reaches the limit, though its rank doesn't, counts with
// that figure. At most 200,000 rows with a known target are read, evenly spaced.
inline constexpr double kPowerLimit = 0.95;
inline constexpr double kPowerLimitRegression =
    0.9;  // as far from chance as an AUC of 0.95: 2·AUC - 1

// Availability, one of:
// - declared: the column's known_at lies after decided_at in more than 0.1 % of the rows;
// - presence: there are at least 20 rows without a target, the column is missing in 99 % of those,
// and present in at least half of the others:
//   whoever doesn't know the target doesn't know the column either;
// - time: a timestamp, a date, or a whole number that reads as a local time of day (HHMM, below)
// lies after decided_at in at least 5 % of
//   the rows *and* its distance from the event time tells the target (AUC ≥ 0.75, or rank
//   correlation ≥ 0.5). A plan (a scheduled arrival) lies later too, but its distance tells little.
//   Not judged when the column's known_at is declared.
// HHMM: every value a whole number from 0 to 2400 with a minute below 60, in at least 12 different
// hours; read as the time of that day nearest to the event time, in `zone`.
inline constexpr double kGapLimit = 0.75;
inline constexpr double kGapLimitRegression = 0.5;

enum class LeakKind { Power, Availability };
std::string_view name_of(LeakKind kind);  // "power", "availability"

struct Leak {
  std::string column;
  LeakKind kind = LeakKind::Power;
  double figure = 0;  // power: as above; availability: the share of rows that is the evidence
  std::string why;    // a sentence for people, with the figures
};

struct ColumnPower {
  std::string column;
  double figure = 0;
};

struct LeakageReport {
  std::vector<Leak> leaks;          // in the order of the columns, power first
  std::vector<ColumnPower> powers;  // of every column judged
};

struct LeakageRequest {
  columns::Batch rows;         // those without a target too: they are evidence
  std::vector<double> target;  // one a row; NaN is unknown
  Task task = Task::Binary;
  columns::Column decided_at;  // one timestamp a row (decided_at_of); empty: times aren't judged
  std::string time;  // the event time's column, "" if none: then decided_at is measured from
  Zone zone = Zone::utc();
  std::vector<std::string> ignore;  // the target, the key, the time
  std::map<std::string, std::string>
      known_at;  // column → the column that says since when it's known
};

// InvalidArgument when the sizes don't agree or no target is known.
Result<LeakageReport> find_leakage(const LeakageRequest& request);

}  // namespace martlet::features
