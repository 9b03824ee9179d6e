// data/cleaning.h: the cleaning steps of a dataset, and the ledger of what each of them changed.
//
// Three kinds, by where they run (DESIGN §3): steps that remove rows (drop_duplicates) run when a
// version is made; steps that look at one row alone (normalise, fill with a value, clip to a range)
// run then and again on every row that is served; steps whose values are learnt (fill with a
// statistic, clip at quantiles) are only read here, since they are learnt on training rows and
// travel in the feature program. Values; thread-safe.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "base/yaml.h"
#include "base/zone.h"
#include "columns/batch.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace martlet::data {

enum class Keep : std::uint8_t { First, Last };
struct DropDuplicates {
  std::vector<std::string> key = {};  // all columns when empty; missing values equal each other
  Keep keep = Keep::First;
  bool operator==(const DropDuplicates&) const = default;
};

enum class LetterCase : std::uint8_t { Keep, Lower, Upper };
// Of a text, in this order: trim (ASCII white space), case (Unicode simple mapping), map (whole
// values). What ends up empty is missing.
struct Normalise {
  std::string column = {};
  bool trim = false;
  LetterCase letter_case = LetterCase::Keep;
  std::vector<std::pair<std::string, std::string>> map = {};
  bool operator==(const Normalise&) const = default;
};

enum class FillWith : std::uint8_t { Median, Mean, Mode, Value };
struct Fill {
  std::string column = {};
  FillWith with = FillWith::Median;
  std::string value = {};  // for Value: as a CSV field would spell it
  bool operator==(const Fill&) const = default;
};

enum class ClipAt : std::uint8_t { Quantiles, Range };
struct Clip {
  std::string column = {};
  ClipAt at = ClipAt::Range;
  std::optional<double> low =
      {};  // a quantile in [0, 1] or the value itself; absent: open on that side (Range only)
  std::optional<double> high = {};
  bool operator==(const Clip&) const = default;
};

using CleaningStep = std::variant<DropDuplicates, Normalise, Fill, Clip>;

bool is_learnt(const CleaningStep& step);    // fill with a statistic, clip at quantiles
bool is_row_step(const CleaningStep& step);  // normalise, fill with a value, clip to a range
std::vector<CleaningStep> learnt_steps(std::span<const CleaningStep> steps);
std::vector<CleaningStep> row_steps(std::span<const CleaningStep> steps);

// The list under `clean:`; every problem becomes a finding. A step for several columns becomes one
// for each.
std::vector<CleaningStep> parse_cleaning(const Yaml& list, std::vector<Finding>& findings);
// As martlet.yaml spells it: {"normalise": {"column": "carrier", "trim": true}}.
Json to_json(const CleaningStep& step);

// What one step did.
struct LedgerEntry {
  CleaningStep step = {};
  std::int64_t rows_removed = 0;
  std::int64_t cells_changed = 0;
  bool learnt = false;            // left to the feature program
  Json examples = Json::array();  // at most five: {row, from, to} of a cell, {row, values} of a
                                  // removed row; rows count from 0
};
Json to_json(const LedgerEntry& entry);

struct Cleaned {
  columns::Batch rows = {};
  std::vector<LedgerEntry> ledger = {};
};
// Runs the steps in order, the learnt ones left out (each still has its ledger entry).
// Errors: InvalidArgument with a finding for each unknown column, and for each step that does not
// suit its column's type.
Result<Cleaned> clean(const columns::Batch& batch, std::span<const CleaningStep> steps,
                      const Zone& zone);

// The row steps of a dataset on one row, for serving; the same code as clean() uses, and so the
// same values. Immutable, thread-safe.
class RowCleaner {
 public:
  // InvalidArgument as clean(). Steps of other kinds are left out.
  static Result<RowCleaner> create(std::span<const CleaningStep> steps,
                                   const columns::Schema& schema, const Zone& zone);
  // Changes the row in place; its cells must be in the order of the schema.
  void apply(columns::Row& row) const;

 private:
  struct Action {
    std::size_t column = 0;
    CleaningStep step = {};
    columns::Row value = {};  // one cell: what to fill in
  };
  friend Result<Cleaned> clean(const columns::Batch& batch, std::span<const CleaningStep> steps,
                               const Zone& zone);
  // The cell's new value; a new text is kept in `text`.
  static columns::Cell change(const Action& action, const columns::Cell& cell, std::string& text);
  std::vector<Action> actions_;
};

}  // namespace martlet::data
