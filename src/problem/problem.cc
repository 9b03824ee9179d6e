#include "problem/problem.h"

#include "base/caret.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace martlet::problem {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

void keep_findings(const Error& error, const Origin& origin, std::vector<Finding>& findings) {
  if (error.findings().empty()) findings.push_back(origin.finding("invalid", error.message()));
  findings.insert(findings.end(), error.findings().begin(), error.findings().end());
}

Finding unknown_column(const Origin& origin, const std::string& what, const std::string& name,
                       const Schema& rows) {
  const std::vector<std::string> known = rows.names();
  return {.path = origin.path + "." + what,
          .rule = "unknown_name",
          .message =
              fmt::format("the dataset has no column \"{}\"{}", name, did_you_mean(name, known)),
          .file = origin.file,
          .line = origin.line,
          .column = origin.column};
}

bool is_time(Type type) { return type == Type::Timestamp || type == Type::Date; }

// Instants of a column of instants or dates.
Column as_instants(const Column& column, const Zone& zone) {
  if (column.type() == Type::Timestamp) return column;
  std::vector<std::int64_t> micros(column.size(), 0);
  std::vector<std::uint8_t> valid(column.size(), 1);
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column.is_missing(i)) {
      valid[i] = 0;
    } else {
      micros[i] = zone.instant_of_local_micros(column.int64s()[i] * kMicrosPerDay).micros;
    }
  }
  return Column::of_timestamps(std::move(micros), std::move(valid));
}

std::int64_t floor_days(std::int64_t micros) {
  const std::int64_t days = micros / kMicrosPerDay;
  return micros % kMicrosPerDay < 0 ? days - 1 : days;
}

}  // namespace

Result<Problem> Problem::bind(const Contract& contract, Task task, const Schema& rows) {
  std::vector<Finding> findings;
  Problem problem(contract, task);
  const Origin& origin = contract.origin;
  if (!is_supported(task)) {
    findings.push_back(origin.finding(
        "not_supported",
        fmt::format("the task {} is not supported yet; binary and regression are", name_of(task))));
    return invalid("the problem", std::move(findings));
  }
  if (!rows.find(contract.target))
    findings.push_back(unknown_column(origin, "target", contract.target, rows));
  for (const std::string& name : contract.key) {
    if (!rows.find(name)) findings.push_back(unknown_column(origin, "key", name, rows));
  }
  if (!contract.time.empty()) {
    const auto place = rows.find(contract.time);
    if (!place) {
      findings.push_back(unknown_column(origin, "time", contract.time, rows));
    } else if (!is_time(rows[*place].type)) {
      findings.push_back(origin.finding(
          "wrong_type", fmt::format("the time column {} is of type {}, not a timestamp or a date",
                                    contract.time, columns::name_of(rows[*place].type))));
    }
  }
  if (!contract.decided_at.empty()) {
    auto compiled = expr::Expression::compile(contract.decided_at, {rows, contract.zone});
    if (!compiled.has_value()) {
      Finding place = origin.finding("", "");
      place.path += ".decided_at";
      add_findings_in("expression", contract.decided_at, compiled.error(), place, findings);
    } else if (!is_time(compiled->type())) {
      findings.push_back(origin.finding(
          "wrong_type", fmt::format("decided_at gives a {}, not a timestamp or a date",
                                    columns::name_of(compiled->type()))));
    } else {
      problem.decided_at_ = std::move(compiled).value();
    }
  }
  for (const KpiSpec& spec : kpis_of(contract, task)) {
    auto kpi = Kpi::create(spec, task, rows, contract.zone);
    if (kpi.has_value()) {
      problem.kpis_.push_back(std::move(kpi).value());
    } else {
      keep_findings(kpi.error(), spec.origin, findings);
    }
  }
  problem.baselines_ = baselines_of(contract, task);
  for (const BaselineSpec& spec : problem.baselines_) {
    const auto fits = Baseline::check(spec, task, rows, contract.zone);
    if (!fits.has_value()) keep_findings(fits.error(), spec.origin, findings);
  }
  if (!findings.empty()) return invalid("the problem", std::move(findings));
  problem.primary_ = primary_of(problem.kpis_);
  return problem;
}

Result<metrics::Blocks> Problem::blocks_of(const Batch& rows) const {
  if (contract_.time.empty()) return metrics::Blocks::of_rows(rows.rows());
  MARTLET_TRY_SET(const Column* time, rows.column(contract_.time));
  std::vector<std::int64_t> days(rows.rows(), std::numeric_limits<std::int64_t>::min());
  for (std::size_t i = 0; i < days.size(); ++i) {
    if (time->is_missing(i)) continue;
    const std::int64_t value = time->int64s()[i];
    days[i] = time->type() == Type::Date ? value : floor_days(contract_.zone.local_micros({value}));
  }
  return metrics::Blocks::of_keys(days);
}

Result<Column> Problem::decided_at(const Batch& rows) const {
  if (decided_at_) {
    auto column = decided_at_->evaluate(rows);
    if (!column.has_value())
      return fail(std::move(column).error().with_context("computing decided_at"));
    return as_instants(*column, contract_.zone);
  }
  if (contract_.time.empty())
    return not_found(
        "the problem has no time, so rows have no moment of decision; set problem.time");
  MARTLET_TRY_SET(const Column* time, rows.column(contract_.time));
  return as_instants(*time, contract_.zone);
}

Result<Target> Problem::target_of(const Batch& rows) const {
  MARTLET_TRY_SET(const Column* column, rows.column(contract_.target));
  auto target = read_target(*column, task_, contract_.positive);
  if (!target.has_value())
    return fail(std::move(target).error().with_context("reading the target " + contract_.target));
  return target;
}

}  // namespace martlet::problem
