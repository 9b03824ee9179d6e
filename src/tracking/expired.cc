#include "tracking/expired.h"

#include "metadata/database.h"
#include "tracking/internal/records.h"

#include <algorithm>
#include <set>

namespace martlet::tracking {

namespace {

using metadata::equal;
using metadata::ReadTransaction;
using metadata::Transaction;

metadata::Condition deleted_before(const std::string& column, Timestamp before) {
  return equal("lifecycle", Lifecycle::Deleted) && metadata::less(column, before);
}

// MLflow's clients use it when none is named.
bool is_default(const ExperimentId& experiment) { return experiment.text() == "0"; }

}  // namespace

Result<Expired> expired(const ReadTransaction& tx, Timestamp before) {
  Expired found;
  MARTLET_TRY_SET(const auto models,
                  tx.select<LoggedModelRecord>(deleted_before("updated", before)));
  std::set<std::string> going_models;
  for (const LoggedModelRecord& model : models) going_models.insert(model.id);
  MARTLET_TRY_SET(const auto runs, tx.select<RunRecord>(deleted_before("deleted", before)));
  std::set<RunId> going_runs;
  for (const RunRecord& run : runs) going_runs.insert(run.id);
  found.models.assign(going_models.begin(), going_models.end());
  found.runs.assign(going_runs.begin(), going_runs.end());
  MARTLET_TRY_SET(const auto experiments,
                  tx.select<ExperimentRecord>(deleted_before("deleted", before)));
  for (const ExperimentRecord& experiment : experiments) {
    if (is_default(experiment.id)) continue;
    bool empty = true;
    MARTLET_TRY_SET(const auto its_runs, tx.select<RunRecord>(equal("experiment", experiment.id)));
    for (const RunRecord& run : its_runs) empty = empty && going_runs.contains(run.id);
    MARTLET_TRY_SET(const auto its_models,
                    tx.select<LoggedModelRecord>(equal("experiment", experiment.id)));
    for (const LoggedModelRecord& model : its_models)
      empty = empty && going_models.contains(model.id);
    if (empty) found.experiments.push_back(experiment.id);
  }
  MARTLET_TRY_SET(const auto uploads, tx.select<UploadRecord>(metadata::less("started", before)));
  for (const UploadRecord& upload : uploads) found.uploads.push_back(upload.id);
  return found;
}

bool is_among(const Expired& expired, std::string_view holder_kind, std::string_view name) {
  const auto has = [&](const auto& ids, const auto& text_of) {
    return std::any_of(ids.begin(), ids.end(), [&](const auto& id) { return text_of(id) == name; });
  };
  if (holder_kind == "run")
    return has(expired.runs, [](const RunId& id) { return std::string_view(id.text()); });
  const auto itself = [](const std::string& id) { return std::string_view(id); };
  if (holder_kind == "logged model") return has(expired.models, itself);
  if (holder_kind == "upload") return has(expired.uploads, itself);
  return false;
}

Result<void> purge_run(Transaction& tx, const RunId& run) {
  MARTLET_TRY_SET(const std::optional<RunRecord> record, tx.get<RunRecord>(run));
  if (!record.has_value() || record->lifecycle != Lifecycle::Deleted) return {};
  const auto of_run = equal("run", run);
  MARTLET_TRY(tx.remove_where<ParamRecord>(of_run));
  MARTLET_TRY(tx.remove_where<TagRecord>(of_run));
  MARTLET_TRY(tx.remove_where<MetricRecord>(of_run));
  MARTLET_TRY(tx.remove_where<MetricChunkRecord>(of_run));
  MARTLET_TRY(tx.remove_where<InputRecord>(of_run));
  MARTLET_TRY(tx.remove_where<RunModelRecord>(of_run));
  MARTLET_TRY(tx.remove_where<ArtifactRecord>(of_run));
  return tx.remove<RunRecord>(run).map([](bool) {});
}

Result<void> purge_model(Transaction& tx, const std::string& model) {
  MARTLET_TRY_SET(const std::optional<LoggedModelRecord> record, tx.get<LoggedModelRecord>(model));
  if (!record.has_value() || record->lifecycle != Lifecycle::Deleted) return {};
  const auto of_model = equal("model", model);
  MARTLET_TRY(tx.remove_where<LoggedModelTextRecord>(of_model));
  MARTLET_TRY(tx.remove_where<LoggedModelMetricRecord>(of_model));
  MARTLET_TRY(tx.remove_where<LoggedModelFileRecord>(of_model));
  return tx.remove<LoggedModelRecord>(model).map([](bool) {});
}

Result<void> purge_experiment(Transaction& tx, const ExperimentId& experiment) {
  MARTLET_TRY_SET(const std::optional<ExperimentRecord> record,
                  tx.get<ExperimentRecord>(experiment));
  if (!record.has_value() || record->lifecycle != Lifecycle::Deleted) return {};
  const auto of_experiment = equal("experiment", experiment);
  MARTLET_TRY_SET(const std::int64_t runs, tx.count_at_most<RunRecord>(of_experiment, 1));
  MARTLET_TRY_SET(const std::int64_t models, tx.count_at_most<LoggedModelRecord>(of_experiment, 1));
  if (runs + models > 0) return {};
  MARTLET_TRY_SET(const auto traces, tx.select<TraceRecord>(of_experiment));
  for (const TraceRecord& trace : traces) {
    MARTLET_TRY(tx.remove_where<TraceTextRecord>(equal("trace", trace.id)));
    MARTLET_TRY(tx.remove_where<TraceFileRecord>(equal("trace", trace.id)));
    MARTLET_TRY(tx.remove<TraceRecord>(trace.id));
  }
  return tx.remove<ExperimentRecord>(experiment).map([](bool) {});
}

}  // namespace martlet::tracking
