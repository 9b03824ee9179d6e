// server/mlflow/run_wire.h: experiments, runs and what they log, between tracking's values and
// MLflow's messages. The one place that knows both. Pure functions.
#pragma once
#include "base/result.h"
#include "server/mlflow/fields.h"
#include "server/mlflow/json_writer.h"
#include "tracking/files.h"
#include "tracking/run.h"
#include "tracking/run_search.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::server::mlflow {

// Milliseconds since 1970, MLflow's instants; rounded towards the past.
std::int64_t millis_of(Timestamp at);
Timestamp from_millis(std::int64_t millis);  // clamped to what a Timestamp holds

std::string_view stage_of(tracking::Lifecycle lifecycle);  // "active", "deleted"
std::string_view status_of(tracking::RunStatus status);    // "FINISHED"
// By name or number; nullopt when there is no such status.
std::optional<tracking::RunStatus> run_status(std::string_view text);
// view_type, run_view_type; noted in the fields when there is no such view.
tracking::View view_of(const Fields& fields, std::string_view name);

// Where a run's files lie: "mlflow-artifacts:/3/0190…/artifacts". No other place is ever given out.
std::string artifact_location(const ExperimentId& experiment);
std::string artifact_uri(const tracking::Run& run);
std::string artifact_uri(const ExperimentId& experiment, const tracking::FileOwner& owner);

void write(JsonWriter& json, const tracking::Experiment& experiment);
void write(JsonWriter& json, const tracking::Run& run);
void write_run_info(JsonWriter& json, const tracking::Run& run);
void write(JsonWriter& json, const tracking::Metric& metric);
// "name": [{"key", "value"}…]; nothing when there are none.
void write_texts(JsonWriter& json, std::string_view name, const tracking::Texts& texts);

// One metric of a log-metric or a log-batch; problems are noted.
tracking::Metric read_metric(const Fields& fields);
// Tags as MLflow takes them: a value of more than 8,000 characters is cut.
void add_tag(tracking::RunBatch& batch, std::string key, std::string value);
// Likewise params, of more than 6,000.
void add_param(tracking::RunBatch& batch, std::string key, std::string value);
// log-inputs' datasets: what belongs to each other is kept in the input's details.
std::vector<tracking::DatasetInput> read_datasets(const Fields& fields);

}  // namespace martlet::server::mlflow
