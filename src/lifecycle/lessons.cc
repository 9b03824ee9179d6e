#include "lifecycle/lessons.h"

#include "lifecycle/workshop.h"
#include "metadata/database.h"
#include "monitoring/prediction_log.h"
#include "monitoring/truth.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

namespace martlet::lifecycle {

namespace {

constexpr std::string_view kIngest = "ingest:";
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

using Truths = std::map<std::string, monitoring::Truth>;

// One text a row, as predictions are logged under it; "" where a part of the key is missing.
Result<std::vector<std::string>> keys_of(const columns::Batch& rows,
                                         const std::vector<std::string>& key) {
  MARTLET_TRY_SET(const columns::Batch parts, rows.select(key));
  std::vector<std::string> texts(rows.rows());
  std::vector<columns::Cell> cells(key.size());
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    for (std::size_t i = 0; i < key.size(); ++i) cells[i] = parts.column(i).cell(row);
    texts[row] = monitoring::key_text(cells);
  }
  return texts;
}

struct LoggedRow {
  columns::Row cells;  // in the columns of the dataset
  Timestamp at;
};

// A logged row in the columns of the dataset: what it has of the same name and type.
columns::Row in_dataset_columns(const columns::Schema& dataset, const std::string& time,
                                const Zone& zone, const columns::Schema& logged,
                                const monitoring::Prediction& prediction) {
  columns::Row row;
  for (const columns::Field& field : dataset.fields()) {
    const auto place = logged.find(field.name);
    const bool same = place.has_value() && logged[*place].type == field.type;
    if (same && !prediction.row[*place].missing) {
      row.push_back(prediction.row[*place]);
    } else if (field.name == time && field.type == columns::Type::Timestamp) {
      row.push_back(columns::Cell::of_timestamp(prediction.at));
    } else if (field.name == time && field.type == columns::Type::Date) {
      const std::int64_t local = zone.local_micros(prediction.at);
      const std::int64_t days = local / kMicrosPerDay - (local % kMicrosPerDay < 0 ? 1 : 0);
      row.push_back(columns::Cell::of_date(days));
    } else {
      row.push_back(columns::Cell::none(field.type));
    }
  }
  return row;
}

// The newest logged prediction of each key that the dataset doesn't have.
Result<std::unordered_map<std::string, LoggedRow>>
logged_rows(const Store& store, const Project& project, const std::string& deployment,
            const columns::Schema& dataset, const std::unordered_set<std::string>& in_dataset,
            Timestamp now) {
  const auto& policy = project.monitoring.retrain;
  Timestamp from;
  if (policy.has_value() && policy->window.has_value()) from = now - *policy->window;
  std::unordered_map<std::string, LoggedRow> rows;
  const auto read = monitoring::read_predictions(
      store.host().files, store.predictions_directory(deployment), from, now,
      [&](const columns::Schema& schema, const monitoring::Prediction& prediction) -> Result<void> {
        if (prediction.failed || prediction.key.empty() || in_dataset.contains(prediction.key))
          return {};
        const auto found = rows.find(prediction.key);
        if (found != rows.end() && found->second.at >= prediction.at) return {};
        rows[prediction.key] = {in_dataset_columns(dataset, project.problem.time,
                                                   project.problem.zone, schema, prediction),
                                prediction.at};
        return {};
      });
  // Nothing was ever predicted.
  if (!read.has_value() && read.error().code() != ErrorCode::NotFound)
    return fail(Error(read.error()));
  return rows;
}

// Those that have a truth, oldest first, as a table; their keys beside it.
struct LoggedTable {
  columns::Batch rows;
  std::vector<std::string> keys;
};
LoggedTable table_of(const columns::Schema& schema,
                     const std::unordered_map<std::string, LoggedRow>& logged,
                     const Truths& truths) {
  std::vector<std::pair<Timestamp, std::string>> order;
  for (const auto& [key, row] : logged) {
    const auto truth = truths.find(key);
    if (truth != truths.end() && truth->second.actual.has_value()) order.emplace_back(row.at, key);
  }
  std::sort(order.begin(), order.end());
  if (order.size() > kLoggedRows)
    order.erase(order.begin(), order.end() - static_cast<std::ptrdiff_t>(kLoggedRows));
  std::vector<columns::ColumnBuilder> builders;
  for (const columns::Field& field : schema.fields()) builders.emplace_back(field.type);
  LoggedTable table;
  for (const auto& [at, key] : order) {
    const columns::Row& row = logged.at(key).cells;
    for (std::size_t i = 0; i < builders.size(); ++i) builders[i].push(row[i]);
    table.keys.push_back(key);
  }
  std::vector<columns::Column> columns;
  for (columns::ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  table.rows = columns::Batch(schema, std::move(columns));
  return table;
}

// Runs these ingest steps, or takes them from the cache; gives the datasets' versions.
Result<std::map<std::string, Digest>> ingest(const Store& store, const Project& project,
                                             const std::vector<std::string>& datasets,
                                             RunRequest request) {
  request.only.clear();
  for (const std::string& dataset : datasets)
    request.only.push_back(std::string(kIngest) + dataset);
  MARTLET_TRY_SET(const workflow::Pipeline whole,
                  compile_lifecycle(store, project, request.compile));
  MARTLET_TRY_SET(const RunReport report, run_steps(store, project, whole, request));
  if (!report.succeeded) {
    if (request.cancel.cancelled())
      return fail(ErrorCode::Cancelled, "preparing the data was interrupted");
    return invalid_argument("preparing the data: " + report.outcome.run.error);
  }
  std::map<std::string, Digest> versions;
  for (const workflow::StepRecord& step : report.outcome.steps) {
    MARTLET_TRY_SET(versions[step.name.substr(kIngest.size())],
                    Digest::parse(step.outputs["version"].get<std::string>()));
  }
  return versions;
}

}  // namespace

Result<Lessons> gather_lessons(const Store& store, const Project& project, RunRequest request) {
  const std::string main = project.main_dataset().name;
  std::vector<std::string> datasets{main};
  for (const features::LookupConfig& lookup : project.features.lookups)
    datasets.push_back(lookup.dataset);
  MARTLET_TRY_SET(const auto versions, ingest(store, project, datasets, std::move(request)));
  Workshop workshop(store, project);
  Lessons lessons;
  MARTLET_TRY_SET(lessons.frame, workshop.frame(versions.at(main)));
  MARTLET_TRY_SET(lessons.problem, workshop.problem(versions.at(main)));
  MARTLET_TRY_SET(lessons.lookups, workshop.lookups(versions));
  MARTLET_TRY_SET(lessons.lookup_rows, workshop.lookup_rows(versions));
  lessons.dataset_digest = versions.at(main).text();
  lessons.known = lessons.frame->known;
  return lessons;
}

Result<Lessons> with_truth(const Store& store, const Project& project,
                           const std::string& deployment, Lessons lessons, Timestamp now) {
  const Frame& dataset = *lessons.frame;
  const Duration delay = project.monitoring.truth_delay;
  if (project.problem.key.empty()) {
    lessons.known = known_by(dataset, now, delay);
    return lessons;
  }
  MARTLET_TRY_SET(std::vector<std::string> keys, keys_of(dataset.rows, project.problem.key));
  const std::unordered_set<std::string> in_dataset(keys.begin(), keys.end());
  MARTLET_TRY_SET(const auto logged,
                  logged_rows(store, project, deployment, dataset.rows.schema(), in_dataset, now));
  const monitoring::TruthStore truth_store(store.database(), deployment);
  std::vector<std::string> asked = keys;
  for (const auto& [key, row] : logged) asked.push_back(key);
  MARTLET_TRY_SET(const Truths truths, truth_store.find(asked));

  const LoggedTable more = table_of(dataset.rows.schema(), logged, truths);
  const std::size_t dataset_rows = dataset.rows.rows();
  std::vector<bool> due(dataset_rows, false);
  for (const std::uint32_t row : known_by(dataset, now, delay)) due[row] = true;
  MARTLET_TRY_SET(columns::Batch rows, dataset.rows.append(more.rows));
  keys.insert(keys.end(), more.keys.begin(), more.keys.end());
  MARTLET_TRY_SET(Frame frame, frame_of(*lessons.problem, std::move(rows)));
  frame.known.clear();
  for (std::uint32_t row = 0; row < keys.size(); ++row) {
    const auto truth = truths.find(keys[row]);
    const bool told = truth != truths.end() && truth->second.known_at <= now;
    if (told) frame.actual[row] = truth->second.actual.value_or(kNaN);
    const bool is_known = told || (row < dataset_rows && due[row]);
    if (is_known && !std::isnan(frame.actual[row])) frame.known.push_back(row);
  }
  if (!frame.times.empty()) {
    std::stable_sort(frame.known.begin(), frame.known.end(), [&](std::uint32_t a, std::uint32_t b) {
      return frame.times[a] < frame.times[b];
    });
  }
  lessons.known = frame.known;
  lessons.frame = std::make_shared<const Frame>(std::move(frame));
  return lessons;
}

Result<monitoring::AcceptedTruth>
take_truth_from_dataset(const Store& store, const Project& project, const std::string& deployment,
                        const std::unordered_set<std::string>& keys, Timestamp now,
                        RunRequest request) {
  const std::string main = project.main_dataset().name;
  MARTLET_TRY_SET(const auto versions, ingest(store, project, {main}, std::move(request)));
  Workshop workshop(store, project);
  MARTLET_TRY_SET(const std::shared_ptr<const Frame> frame, workshop.frame(versions.at(main)));
  MARTLET_TRY_SET(const std::vector<std::string> row_keys,
                  keys_of(frame->rows, project.problem.key));
  std::vector<monitoring::Truth> truths;
  for (const std::uint32_t row : known_by(*frame, now, project.monitoring.truth_delay)) {
    if (row_keys[row].empty() || !keys.contains(row_keys[row])) continue;
    const Timestamp known_at =
        frame->times.empty() ? now : Timestamp{frame->times[row]} + project.monitoring.truth_delay;
    truths.push_back({row_keys[row], frame->actual[row], known_at});
  }
  monitoring::TruthStore truth(store.database(), deployment);
  return truth.accept(truths, now);
}

}  // namespace martlet::lifecycle
