#include "lifecycle/truth_file.h"

#include "data/version_store.h"
#include "lifecycle/loop.h"
#include "monitoring/prediction_log.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace martlet::lifecycle {

namespace {

constexpr std::size_t kFindings = 20;  // rows that are named one by one

Finding finding(std::string path, std::string rule, std::string message) {
  return {std::move(path), std::move(rule), std::move(message), "", 0, 0};
}

// The key's columns, of the types that predictions are logged under.
Result<columns::Batch> key_columns(const Store& store, const Project& project,
                                   const columns::Batch& rows) {
  if (project.problem.key.empty()) {
    return invalid_argument(
        "taking in truth: the project names no problem.key, so there is nothing "
        "to join it on");
  }
  const data::VersionStore versions(store.database(), store.blobs(), store.host().files,
                                    store.host().clock, store.scratch_directory());
  MARTLET_TRY_SET(const auto dataset, versions.latest(project.main_dataset().name));
  std::vector<Finding> findings;
  for (const std::string& name : project.problem.key) {
    const columns::Column* given = rows.find(name);
    if (given == nullptr) {
      findings.push_back(finding(name, "missing_column", "the file has no such column of the key"));
      continue;
    }
    const auto place = dataset.has_value() ? dataset->schema.find(name) : std::nullopt;
    if (!place.has_value() || dataset->schema[*place].type == given->type()) continue;
    findings.push_back(finding(name, "wrong_type",
                               fmt::format("it is {} in the file, and {} in the dataset",
                                           columns::name_of(given->type()),
                                           columns::name_of(dataset->schema[*place].type))));
  }
  if (!findings.empty()) return invalid("taking in truth", std::move(findings));
  return rows.select(project.problem.key);
}

Result<std::vector<double>> actuals(const Project& project, const columns::Batch& rows) {
  const std::string& target = project.problem.target;
  const columns::Column* given = rows.find(target);
  const bool as_actual = given == nullptr;
  if (as_actual) given = rows.find("actual");
  if (given == nullptr) {
    return invalid_argument("taking in truth: the file has neither the column " + target +
                            " nor actual");
  }
  if (given->type() != columns::Type::Text) return given->as_doubles();
  // Which text means yes can't be told from some of the rows.
  if (as_actual || !project.problem.positive.has_value()) {
    return invalid_argument(
        "taking in truth: " + std::string(as_actual ? "actual" : target) +
        " is text; give booleans or numbers, or say with problem.positive which value means yes");
  }
  std::vector<double> values(given->size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (!given->is_missing(row))
      values[row] = columns::to_text(given->cell(row)) == *project.problem.positive ? 1 : 0;
  }
  return values;
}

}  // namespace

Result<monitoring::AcceptedTruth> accept_truth_rows(const Store& store, const Project& project,
                                                    registry::Environment environment,
                                                    const columns::Batch& rows) {
  MARTLET_TRY_SET(const columns::Batch key, key_columns(store, project, rows));
  MARTLET_TRY_SET(const std::vector<double> actual, actuals(project, rows));
  const columns::Column* known_at = rows.find("known_at");
  if (known_at != nullptr && known_at->type() != columns::Type::Timestamp)
    return invalid_argument("taking in truth: known_at is no timestamp");
  const Timestamp now = store.host().clock.now();
  std::vector<monitoring::Truth> truths;
  std::vector<Finding> findings;
  std::vector<columns::Cell> cells(key.width());
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = key.column(i).cell(row);
    monitoring::Truth truth;
    truth.key = monitoring::key_text(cells);
    if (truth.key.empty() && findings.size() < kFindings)
      findings.push_back(finding(fmt::format("row {}", row + 1), "no_key", "its key is missing"));
    if (!std::isnan(actual[row])) truth.actual = actual[row];
    truth.known_at = known_at != nullptr && !known_at->is_missing(row)
                         ? Timestamp{known_at->int64s()[row]}
                         : now;
    truths.push_back(std::move(truth));
  }
  if (!findings.empty()) return invalid("taking in truth", std::move(findings));
  monitoring::TruthStore truth_store(store.database(), deployment_of(project, environment));
  return truth_store.accept(truths, now);
}

}  // namespace martlet::lifecycle
