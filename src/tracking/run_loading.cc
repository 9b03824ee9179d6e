#include "tracking/internal/run_loading.h"

#include "tracking/internal/run_batches.h"

#include <unordered_map>

namespace martlet::tracking {

namespace {

using metadata::equal;
using metadata::Query;
using metadata::ReadTransaction;

Run run_of(RunRecord record) {
  Run run;
  run.id = std::move(record.id);
  run.experiment = std::move(record.experiment);
  run.name = std::move(record.name);
  run.user = std::move(record.user);
  run.status = record.status;
  run.lifecycle = record.lifecycle;
  run.started = record.started;
  run.ended = record.ended;
  run.facts = std::move(record.facts);
  run.deleted = record.deleted;
  return run;
}

void add(Run& run, ParamRecord param) { run.params[std::move(param.key)] = std::move(param.value); }
void add(Run& run, TagRecord tag) { run.tags[std::move(tag.key)] = std::move(tag.value); }
void add(Run& run, MetricRecord metric) {
  run.metrics[metric.key] = {metric.key, metric.value, metric.step, metric.at};
}
void add(Run& run, InputRecord input) {
  run.inputs.push_back({std::move(input.name), std::move(input.digest), std::move(input.context),
                        std::move(input.details)});
}

void add(Run& run, RunModelRecord model) {
  (model.made ? run.model_outputs : run.model_inputs)
      .push_back({std::move(model.model), model.step});
}

using ById = std::unordered_map<RunId, Run*>;

template <class R>
Result<void> add_all(const ReadTransaction& tx, const metadata::Query& query, const ById& runs) {
  MARTLET_TRY_SET(std::vector<R> records, tx.select<R>(query));
  for (R& record : records) {
    Run& run = *runs.at(record.run);
    add(run, std::move(record));
  }
  return {};
}

Result<void> add_parts(const ReadTransaction& tx, const metadata::Condition& of_runs,
                       const ById& runs) {
  const Query all(of_runs);
  const Query models = Query(of_runs).order_by("model").order_by("step");
  const Query inputs = Query(of_runs).order_by("context").order_by("name").order_by("digest");
  tx.expect_all<ParamRecord>(all);
  tx.expect_all<MetricRecord>(all);
  tx.expect_all<TagRecord>(all);
  tx.expect_all<RunModelRecord>(models);
  tx.expect_all<InputRecord>(inputs);
  MARTLET_TRY(add_all<ParamRecord>(tx, all, runs));
  MARTLET_TRY(add_all<MetricRecord>(tx, all, runs));
  MARTLET_TRY(add_all<TagRecord>(tx, all, runs));
  MARTLET_TRY(add_all<RunModelRecord>(tx, models, runs));
  return add_all<InputRecord>(tx, inputs, runs);
}

}  // namespace

Result<Run> started_run(const ReadTransaction& tx, RunRecord record, const Texts& tags,
                        const RunBatch& first) {
  const bool plain = first.metrics.empty() && first.inputs.empty() && first.model_inputs.empty() &&
                     first.model_outputs.empty() && first.model_metrics.empty();
  if (!plain) return load_run(tx, std::move(record));
  Run run = run_of(std::move(record));
  run.params = first.params;
  run.tags = tags;
  return run;
}

Result<Run> load_run(const ReadTransaction& tx, RunRecord record) {
  Run run = run_of(std::move(record));
  const Query artifacts_of_it = Query(equal("run", run.id)).order_by("path");
  tx.expect_all<ArtifactRecord>(artifacts_of_it);
  MARTLET_TRY(add_parts(tx, equal("run", run.id), ById{{run.id, &run}}));
  MARTLET_TRY_SET(const auto artifacts, tx.select<ArtifactRecord>(artifacts_of_it));
  for (const ArtifactRecord& artifact : artifacts) {
    run.artifacts.push_back({artifact.path, artifact.digest, artifact.size_bytes, artifact.logged});
  }
  return run;
}

Result<std::vector<Run>> load_runs(const ReadTransaction& tx, std::vector<RunRecord> records) {
  std::vector<Run> runs;
  std::vector<RunId> ids;
  runs.reserve(records.size());
  ids.reserve(records.size());
  for (RunRecord& record : records) {
    ids.push_back(record.id);
    runs.push_back(run_of(std::move(record)));
  }
  MARTLET_TRY(in_batches("run", ids,
                         [&](const metadata::Condition& some, std::size_t begin, std::size_t end) {
                           ById by_id;
                           for (std::size_t i = begin; i < end; ++i) by_id[ids[i]] = &runs[i];
                           return add_parts(tx, some, by_id);
                         }));
  return runs;
}

}  // namespace martlet::tracking
