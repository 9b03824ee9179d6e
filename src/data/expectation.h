// data/expectation.h: checks on data, with a severity.
//
// Expectations are read from martlet.yaml, or inferred from a table that is known to be good, and
// judged on any batch. Values; pure functions.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "base/yaml.h"
#include "base/zone.h"
#include "columns/batch.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::data {

enum class ExpectationKind : std::uint8_t {
  Nulls,
  Unique,
  Between,
  In,
  Pattern,
  Type,
  Rows,
  Fresh,
  Drift
};
// What follows when it is not met: the version is refused; it is said; the rows are set aside with
// the reason.
enum class Severity : std::uint8_t { Fail, Warn, Quarantine };
enum class Comparison : std::uint8_t { Less, AtMost, Greater, AtLeast, Equal, NotEqual };

struct Expectation {
  ExpectationKind kind = ExpectationKind::Rows;
  std::vector<std::string> columns = {};  // several for Unique alone; none for Rows and Drift
  Severity severity = Severity::Fail;
  bool inferred = false;

  std::optional<std::int64_t> max_nulls = {};  // Nulls: one of the two
  std::optional<double> max_null_share = {};
  std::optional<std::string> low =
      {};  // Between, inclusive, as a CSV field would spell it; absent: open
  std::optional<std::string> high = {};
  std::vector<std::string> values = {};         // In, likewise
  std::string pattern = {};                     // Pattern: RE2, of the whole text
  columns::Type type = columns::Type::Text;     // Type
  Comparison comparison = Comparison::AtLeast;  // Rows
  std::int64_t rows = 0;                        // Rows
  Duration within = {};                         // Fresh: the newest value is at most this old
  double max_psi = 0;                           // Drift, against the previous version

  bool operator==(const Expectation&) const = default;
};

std::string_view name_of(Severity severity);  // "fail", "warn", "quarantine"
// "distance between 1 and 6000", "rows >= 1000"; the name of the expectation in results.
std::string describe(const Expectation& expectation);

// The list under `expect:`; one entry may hold several expectations. Every problem becomes a
// finding.
std::vector<Expectation> parse_expectations(const Yaml& list, std::vector<Finding>& findings);

// What a later table should look like, judging by this one: rows are there, the key is unique and
// complete (fail); types as now, columns as complete as now (+10 percentage points, one where none
// is missing), texts of at most 20 values stay within them (warn).
std::vector<Expectation> infer_expectations(const columns::Batch& batch,
                                            std::span<const std::string> key);

struct ExpectationResult {
  std::string expectation = {};
  std::string column = {};          // several joined by ", "; "" for the whole table
  std::optional<bool> passed = {};  // absent: cannot be judged here, see `note`
  Severity severity = Severity::Fail;
  bool inferred = false;
  std::int64_t failed_rows = 0;   // rows that break it; 0 for checks of the whole table
  double share = 0;               // of all rows
  Json examples = Json::array();  // at most five: {row, value}; rows count from 0
  std::string note = {};          // what was found, when that isn't a row
  std::vector<std::uint32_t> rows =
      {};  // the rows that break it, when it was not passed and can name them
};
// {expectation, column, passed, severity, inferred, failed_rows, share, examples, note}
Json to_json(const ExpectationResult& result);

struct ValidationContext {
  Zone zone = Zone::utc();            // of bare times in bounds
  std::optional<Timestamp> now = {};  // for Fresh
};

// Judges every expectation, in order. Missing values break Nulls alone (as in SQL, an unknown value
// meets every other check); Unique leaves out rows with a missing key. Drift is left unjudged: it
// needs the previous version, and lifecycle judges it. Errors: InvalidArgument with a finding for
// each unknown column, and each bound or value that is not of its column's type.
Result<std::vector<ExpectationResult>> validate(const columns::Batch& batch,
                                                std::span<const Expectation> expectations,
                                                const ValidationContext& context);

// False when an expectation of severity Fail was not met.
bool all_passed(std::span<const ExpectationResult> results);

}  // namespace martlet::data
