#include "data/expectation.h"

#include "base/pattern.h"
#include "base/quantity.h"
#include "base/text.h"
#include "data/internal/row_groups.h"

#include <algorithm>
#include <cmath>

namespace martlet::data {

using columns::Batch;
using columns::Column;
using columns::Type;

namespace {

constexpr std::string_view kSymbols[] = {"<", "<=", ">", ">=", "=", "<>"};
constexpr std::int64_t kMostValues = 20;

void parse_nulls(const Yaml& node, Expectation made, std::vector<Finding>& findings,
                 std::vector<Expectation>& out) {
  made.kind = ExpectationKind::Nulls;
  const std::string text = node.scalar();
  if (const auto count = parse_integer(text); count.has_value() && *count >= 0) {
    made.max_nulls = *count;
  } else if (const auto share = parse_share(text); share.has_value()) {
    made.max_null_share = *share;
  } else {
    findings.push_back(
        node.finding("wrong_type",
                     "expected how many may be missing: a count such as 0, or a share such as 5%"));
    return;
  }
  out.push_back(std::move(made));
}

void parse_between(const Yaml& node, Expectation made, std::vector<Finding>& findings,
                   std::vector<Expectation>& out) {
  made.kind = ExpectationKind::Between;
  if (!node.is_sequence() || node.items().size() != 2) {
    findings.push_back(node.finding("wrong_type", "expected two bounds: [low, high]"));
    return;
  }
  const auto bound = [&](const Yaml& item) {
    return item.is_null() ? std::nullopt : item.as_text(findings);
  };
  made.low = bound(node.items()[0]);
  made.high = bound(node.items()[1]);
  if (!made.low && !made.high) {
    findings.push_back(node.finding("missing", "both bounds are open; give at least one"));
    return;
  }
  out.push_back(std::move(made));
}

void parse_pattern(const Yaml& node, Expectation made, std::vector<Finding>& findings,
                   std::vector<Expectation>& out) {
  made.kind = ExpectationKind::Pattern;
  made.pattern = node.as_text(findings).value_or("");
  if (const auto compiled = Pattern::compile(made.pattern); !compiled.has_value()) {
    findings.push_back(node.finding("bad_pattern", compiled.error().message()));
    return;
  }
  out.push_back(std::move(made));
}

void parse_type_check(const Yaml& node, Expectation made, std::vector<Finding>& findings,
                      std::vector<Expectation>& out) {
  made.kind = ExpectationKind::Type;
  const auto type = columns::parse_type(node.as_text(findings).value_or(""));
  if (!type.has_value()) {
    findings.push_back(node.finding("unknown_value", type.error().message()));
    return;
  }
  made.type = *type;
  out.push_back(std::move(made));
}

void parse_rows(const Yaml& node, Expectation made, std::vector<Finding>& findings,
                std::vector<Expectation>& out) {
  made.kind = ExpectationKind::Rows;
  const std::string text(trim(node.scalar()));
  const std::size_t symbol = text.find_first_not_of("<>=!");
  const std::string_view word = std::string_view(text).substr(0, symbol);
  const auto at = std::find(std::begin(kSymbols), std::end(kSymbols), word);
  const auto rows = parse_integer(trim(
      symbol == std::string::npos ? std::string_view() : std::string_view(text).substr(symbol)));
  if (at == std::end(kSymbols) || !rows.has_value()) {
    findings.push_back(node.finding(
        "wrong_type", "expected a comparison with a number of rows, such as \">= 1000\""));
    return;
  }
  made.comparison = static_cast<Comparison>(at - std::begin(kSymbols));
  made.rows = *rows;
  out.push_back(std::move(made));
}

void parse_fresh(const Yaml& node, Expectation made, std::vector<Finding>& findings,
                 std::vector<Expectation>& out) {
  made.kind = ExpectationKind::Fresh;
  YamlObject read(node, findings);
  made.columns = {read.required_text("column")};
  const auto within = read.duration("within");
  if (!read.has("within")) read.report("within", "missing", "it is required, such as 2d");
  read.finish();
  if (!within) return;
  made.within = *within;
  out.push_back(std::move(made));
}

void parse_drift(const Yaml& node, Expectation made, std::vector<Finding>& findings,
                 std::vector<Expectation>& out) {
  made.kind = ExpectationKind::Drift;
  YamlObject read(node, findings);
  read.one_of("against", {"previous"});
  made.max_psi = read.number("max_psi").value_or(0.2);
  read.finish();
  if (made.max_psi <= 0) read.report("max_psi", "out_of_range", "it must be above 0; 0.2 is usual");
  out.push_back(std::move(made));
}

void parse_one(const Yaml& item, std::vector<Finding>& findings, std::vector<Expectation>& out) {
  YamlObject read(item, findings);
  Expectation base;
  const auto column = read.text("column");
  const auto several = read.texts("columns");
  if (column) base.columns = {*column};
  if (several) base.columns = *several;
  if (const auto severity = read.one_of("on_fail", {"fail", "warn", "quarantine"})) {
    base.severity = *severity == "warn"         ? Severity::Warn
                    : *severity == "quarantine" ? Severity::Quarantine
                                                : Severity::Fail;
  }
  const std::size_t before = out.size();
  const std::size_t found_before = findings.size();
  const Yaml* unique = read.child("unique");
  if (unique != nullptr && unique->as_boolean(findings).value_or(false)) {
    out.push_back(base);
    out.back().kind = ExpectationKind::Unique;
  }
  // Checks of single columns; several columns get one each.
  std::vector<Expectation> single;
  if (const Yaml* node = read.child("nulls")) parse_nulls(*node, base, findings, single);
  if (const Yaml* node = read.child("between")) parse_between(*node, base, findings, single);
  if (const auto values = read.texts("in")) {
    single.push_back(base);
    single.back().kind = ExpectationKind::In;
    single.back().values = *values;
  }
  if (const Yaml* node = read.child("pattern")) parse_pattern(*node, base, findings, single);
  if (const Yaml* node = read.child("type")) parse_type_check(*node, base, findings, single);
  for (const Expectation& made : single) {
    for (const auto& name : base.columns) {
      out.push_back(made);
      out.back().columns = {name};
    }
  }
  const bool of_column = out.size() > before || !single.empty() || unique != nullptr;
  if (of_column && base.columns.empty())
    read.report("column", "missing", "this check needs a column");
  std::vector<Expectation> whole;
  if (const Yaml* node = read.child("rows")) parse_rows(*node, base, findings, whole);
  if (const Yaml* node = read.child("fresh")) parse_fresh(*node, base, findings, whole);
  if (const Yaml* node = read.child("drift")) parse_drift(*node, base, findings, whole);
  if (!whole.empty() && base.severity == Severity::Quarantine) {
    read.report("on_fail", "contradiction",
                "a check of the whole table has no rows to set aside; use fail or warn");
  }
  if (!whole.empty() && (column || several) && !of_column) {
    read.report(column ? "column" : "columns", "contradiction",
                "a check of the whole table takes no column here");
  }
  for (Expectation& made : whole) {
    if (made.kind != ExpectationKind::Fresh) made.columns.clear();
    out.push_back(std::move(made));
  }
  read.finish();
  if (out.size() == before && findings.size() == found_before) {
    findings.push_back(item.finding("missing", "nothing is expected; give one of nulls, unique, "
                                               "between, in, pattern, type, rows, fresh, drift"));
  }
}

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::Fail: return "fail";
    case Severity::Warn: return "warn";
    case Severity::Quarantine: return "quarantine";
  }
  return "fail";
}

std::string describe(const Expectation& e) {
  const std::string column = join(e.columns, ", ");
  switch (e.kind) {
    case ExpectationKind::Nulls:
      return e.max_nulls ? fmt::format("{}: at most {} missing", column, *e.max_nulls)
                         : fmt::format("{}: at most {}% missing", column,
                                       shortest(*e.max_null_share * 100));
    case ExpectationKind::Unique: return column + " unique";
    case ExpectationKind::Between:
      if (!e.low) return fmt::format("{} <= {}", column, *e.high);
      if (!e.high) return fmt::format("{} >= {}", column, *e.low);
      return fmt::format("{} between {} and {}", column, *e.low, *e.high);
    case ExpectationKind::In: return fmt::format("{} in [{}]", column, join(e.values, ", "));
    case ExpectationKind::Pattern: return fmt::format("{} matches {}", column, e.pattern);
    case ExpectationKind::Type:
      return fmt::format("{} is of type {}", column, columns::name_of(e.type));
    case ExpectationKind::Rows:
      return fmt::format("rows {} {}", kSymbols[static_cast<std::size_t>(e.comparison)], e.rows);
    case ExpectationKind::Fresh: return fmt::format("{} within {}", column, to_text(e.within));
    case ExpectationKind::Drift:
      return fmt::format("drift against the previous version: PSI <= {}", shortest(e.max_psi));
  }
  return column;
}

std::vector<Expectation> parse_expectations(const Yaml& list, std::vector<Finding>& findings) {
  std::vector<Expectation> out;
  if (!list.is_sequence() && !list.is_null()) {
    findings.push_back(list.finding(
        "wrong_type", "expected a list of expectations, such as - {column: id, unique: true}"));
  }
  for (const Yaml& item : list.items()) parse_one(item, findings, out);
  return out;
}

std::vector<Expectation> infer_expectations(const Batch& batch, std::span<const std::string> key) {
  std::vector<Expectation> out;
  out.push_back({.kind = ExpectationKind::Rows, .comparison = Comparison::AtLeast, .rows = 1});
  const bool has_key = !key.empty() && std::all_of(key.begin(), key.end(), [&](const auto& name) {
    return batch.find(name) != nullptr;
  });
  if (has_key) {
    out.push_back({.kind = ExpectationKind::Unique, .columns = {key.begin(), key.end()}});
    for (const auto& name : key)
      out.push_back({.kind = ExpectationKind::Nulls, .columns = {name}, .max_nulls = 0});
  }
  for (std::size_t c = 0; c < batch.width(); ++c) {
    const Column& column = batch.column(c);
    const std::string& name = batch.schema()[c].name;
    out.push_back({.kind = ExpectationKind::Type,
                   .columns = {name},
                   .severity = Severity::Warn,
                   .type = column.type()});
    const bool in_key = std::find(key.begin(), key.end(), name) != key.end();
    if (!in_key && batch.rows() > 0) {
      const double share =
          static_cast<double>(column.missing_count()) / static_cast<double>(batch.rows());
      const double most = std::min(1.0, share + (share > 0 ? 0.1 : 0.01));
      // Two decimals of a percentage are enough for a person to read.
      out.push_back({.kind = ExpectationKind::Nulls,
                     .columns = {name},
                     .severity = Severity::Warn,
                     .max_null_share = std::ceil(most * 1e4) / 1e4});
    }
    if (column.type() != Type::Text || in_key) continue;
    const auto groups = group_values(column);
    const auto distinct = static_cast<std::int64_t>(groups.size());
    // A short list of values is a category only when its values repeat.
    if (distinct == 0 || distinct > kMostValues ||
        distinct * 10 > static_cast<std::int64_t>(column.size()))
      continue;
    Expectation in{.kind = ExpectationKind::In, .columns = {name}, .severity = Severity::Warn};
    for (const auto& group : groups) in.values.emplace_back(column.text(group.first));
    std::sort(in.values.begin(), in.values.end());
    out.push_back(std::move(in));
  }
  for (Expectation& made : out) made.inferred = true;
  return out;
}

}  // namespace martlet::data
