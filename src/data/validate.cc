#include "base/pattern.h"
#include "base/text.h"
#include "data/expectation.h"
#include "data/internal/row_groups.h"

#include <algorithm>
#include <set>

namespace martlet::data {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::Type;

namespace {

constexpr std::size_t kExamples = 5;

bool compare(std::int64_t found, Comparison comparison, std::int64_t wanted) {
  switch (comparison) {
    case Comparison::Less: return found < wanted;
    case Comparison::AtMost: return found <= wanted;
    case Comparison::Greater: return found > wanted;
    case Comparison::AtLeast: return found >= wanted;
    case Comparison::Equal: return found == wanted;
    case Comparison::NotEqual: return found != wanted;
  }
  return false;
}

// -1, 0, 1 for cells of one type. Whole numbers are compared as such.
int order(const Cell& a, const Cell& b) {
  if (a.type == Type::Text) return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
  if (a.type == Type::Double) return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
  if (a.type == Type::Bool) return static_cast<int>(a.boolean) - static_cast<int>(b.boolean);
  return a.integer < b.integer ? -1 : a.integer > b.integer ? 1 : 0;
}

class Judge {
 public:
  Judge(const Batch& batch, const ValidationContext& context) : batch_(batch), context_(context) {}

  ExpectationResult judge(const Expectation& e, std::vector<Finding>& findings) {
    ExpectationResult result{.expectation = describe(e),
                             .column = join(e.columns, ", "),
                             .severity = e.severity,
                             .inferred = e.inferred};
    for (const auto& name : e.columns) {
      if (batch_.find(name) != nullptr) continue;
      findings.push_back(
          {name, "unknown_column",
           fmt::format("\"{}\" is expected of a column that is not there{}", result.expectation,
                       did_you_mean(name, batch_.schema().names())),
           "", 0, 0});
      return result;
    }
    switch (e.kind) {
      case ExpectationKind::Nulls: nulls(e, result); break;
      case ExpectationKind::Unique: unique(e, result); break;
      case ExpectationKind::Between: between(e, result, findings); break;
      case ExpectationKind::In: in(e, result, findings); break;
      case ExpectationKind::Pattern: pattern(e, result, findings); break;
      case ExpectationKind::Type: type(e, result); break;
      case ExpectationKind::Rows: rows(e, result); break;
      case ExpectationKind::Fresh: fresh(e, result, findings); break;
      case ExpectationKind::Drift:
        result.note = "judged against the previous version when the dataset is published";
        break;
    }
    return result;
  }

 private:
  template <class Breaks>
  void each_row(const Expectation& e, ExpectationResult& result, Breaks breaks) {
    const Column& column = *batch_.find(e.columns.front());
    for (std::size_t i = 0; i < batch_.rows(); ++i) {
      if (breaks(column, i)) add(e, result, i);
    }
    result.passed = result.failed_rows == 0;
  }

  void add(const Expectation& e, ExpectationResult& result, std::size_t row) {
    ++result.failed_rows;
    result.rows.push_back(static_cast<std::uint32_t>(row));
    result.share = static_cast<double>(result.failed_rows) / static_cast<double>(batch_.rows());
    if (result.examples.size() >= kExamples) return;
    Json value;
    if (e.columns.size() == 1) {
      value = columns::to_json(batch_.find(e.columns.front())->cell(row));
    } else {
      for (const auto& name : e.columns)
        value[name] = columns::to_json(batch_.find(name)->cell(row));
    }
    result.examples.push_back({{"row", row}, {"value", std::move(value)}});
  }

  std::optional<Cell> value_of(const Expectation& e, const std::string& text,
                               std::vector<Finding>& findings) const {
    const Type type = batch_.find(e.columns.front())->type();
    auto cell = columns::cell_from_text(text, type, context_.zone);
    if (cell.has_value()) return *cell;
    findings.push_back({e.columns.front(), "wrong_type",
                        fmt::format("\"{}\": {}", describe(e), cell.error().message()), "", 0, 0});
    return std::nullopt;
  }

  void nulls(const Expectation& e, ExpectationResult& result) {
    each_row(e, result, [](const Column& column, std::size_t i) { return column.is_missing(i); });
    result.passed =
        e.max_nulls ? result.failed_rows <= *e.max_nulls : result.share <= *e.max_null_share;
    if (*result.passed) result.rows.clear();
  }

  void unique(const Expectation& e, ExpectationResult& result) {
    std::vector<Column> key;
    for (const auto& name : e.columns) key.push_back(*batch_.find(name));
    const auto first = first_equal_rows(key, batch_.rows());
    for (std::size_t i = 0; i < batch_.rows(); ++i) {
      const bool unknown = std::any_of(key.begin(), key.end(),
                                       [i](const Column& column) { return column.is_missing(i); });
      if (first[i] != i && !unknown) add(e, result, i);
    }
    result.passed = result.failed_rows == 0;
  }

  void between(const Expectation& e, ExpectationResult& result, std::vector<Finding>& findings) {
    const auto low = e.low ? value_of(e, *e.low, findings) : std::nullopt;
    const auto high = e.high ? value_of(e, *e.high, findings) : std::nullopt;
    if ((e.low && !low) || (e.high && !high)) return;
    each_row(e, result, [&](const Column& column, std::size_t i) {
      if (column.is_missing(i)) return false;
      const Cell cell = column.cell(i);
      return (low && order(cell, *low) < 0) || (high && order(cell, *high) > 0);
    });
  }

  void in(const Expectation& e, ExpectationResult& result, std::vector<Finding>& findings) {
    if (batch_.find(e.columns.front())->type() == Type::Text) {
      const std::set<std::string, std::less<>> allowed(e.values.begin(), e.values.end());
      each_row(e, result, [&](const Column& column, std::size_t i) {
        return !column.is_missing(i) && !allowed.contains(column.text(i));
      });
      return;
    }
    std::vector<Cell> allowed;
    for (const auto& text : e.values) {
      const auto cell = value_of(e, text, findings);
      if (!cell) return;
      allowed.push_back(*cell);
    }
    each_row(e, result, [&](const Column& column, std::size_t i) {
      if (column.is_missing(i)) return false;
      const Cell cell = column.cell(i);
      return std::none_of(allowed.begin(), allowed.end(),
                          [&](const Cell& one) { return one.same_as(cell); });
    });
  }

  void pattern(const Expectation& e, ExpectationResult& result, std::vector<Finding>& findings) {
    const auto compiled = Pattern::compile(e.pattern);
    if (!compiled.has_value()) {
      findings.push_back({e.columns.front(), "bad_pattern", compiled.error().message(), "", 0, 0});
      return;
    }
    each_row(e, result, [&](const Column& column, std::size_t i) {
      if (column.is_missing(i)) return false;
      if (column.type() == Type::Text) return !compiled->matches_whole(column.text(i));
      return !compiled->matches_whole(columns::to_text(column.cell(i)));
    });
  }

  void type(const Expectation& e, ExpectationResult& result) {
    const Type found = batch_.find(e.columns.front())->type();
    if (found == e.type || (e.type == Type::Double && found == Type::Int64)) {
      result.passed = true;
    } else if (found == Type::Text) {  // then single values can be named
      each_row(e, result, [&](const Column& column, std::size_t i) {
        return !column.is_missing(i) &&
               !columns::cell_from_text(column.text(i), e.type, context_.zone).has_value();
      });
    } else {
      result.passed = false;
      result.note = fmt::format("the column is of type {}", columns::name_of(found));
    }
  }

  void rows(const Expectation& e, ExpectationResult& result) {
    const auto found = static_cast<std::int64_t>(batch_.rows());
    result.passed = compare(found, e.comparison, e.rows);
    result.note = fmt::format("there are {} rows", found);
  }

  void fresh(const Expectation& e, ExpectationResult& result, std::vector<Finding>& findings) {
    const Column& column = *batch_.find(e.columns.front());
    if (column.type() != Type::Timestamp && column.type() != Type::Date) {
      findings.push_back(
          {e.columns.front(), "wrong_type",
           fmt::format("\"{}\" needs a timestamp or date, but the column is of type {}",
                       result.expectation, columns::name_of(column.type())),
           "", 0, 0});
      return;
    }
    if (!context_.now) {
      result.note = "cannot be judged without a clock";
      return;
    }
    std::optional<std::int64_t> newest;
    for (std::size_t i = 0; i < column.size(); ++i) {
      if (!column.is_missing(i))
        newest = std::max(newest.value_or(column.int64s()[i]), column.int64s()[i]);
    }
    if (!newest) {
      result.passed = false;
      result.note = "there is no value at all";
      return;
    }
    // A date is as new as its last moment.
    const Timestamp at =
        column.type() == Type::Date
            ? context_.zone.instant_of_local_micros((*newest + 1) * kMicrosPerDay - 1)
            : Timestamp{*newest};
    result.passed = *context_.now - at <= e.within;
    result.note =
        fmt::format("the newest value is {}, now it is {}",
                    columns::to_text(column.type() == Type::Date ? Cell::of_date(*newest)
                                                                 : Cell::of_timestamp(at)),
                    to_text(*context_.now));
  }

  const Batch& batch_;
  const ValidationContext& context_;
};

}  // namespace

Result<std::vector<ExpectationResult>> validate(const Batch& batch,
                                                std::span<const Expectation> expectations,
                                                const ValidationContext& context) {
  std::vector<ExpectationResult> results;
  std::vector<Finding> findings;
  Judge judge(batch, context);
  for (const Expectation& expectation : expectations)
    results.push_back(judge.judge(expectation, findings));
  if (!findings.empty())
    return invalid("the expectations do not fit the columns", std::move(findings));
  return results;
}

bool all_passed(std::span<const ExpectationResult> results) {
  return std::none_of(results.begin(), results.end(), [](const ExpectationResult& result) {
    return result.severity == Severity::Fail && result.passed == false;
  });
}

Json to_json(const ExpectationResult& result) {
  return {{"expectation", result.expectation},
          {"column", result.column},
          {"passed", result.passed ? Json(*result.passed) : Json(nullptr)},
          {"severity", name_of(result.severity)},
          {"inferred", result.inferred},
          {"failed_rows", result.failed_rows},
          {"share", result.share},
          {"examples", result.examples},
          {"note", result.note}};
}

}  // namespace martlet::data
