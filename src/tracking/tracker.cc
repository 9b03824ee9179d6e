#include "tracking/tracker.h"

#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "metadata/database.h"
#include "tracking/files.h"
#include "tracking/internal/experiment_finding.h"
#include "tracking/internal/metric_points.h"
#include "tracking/internal/name.h"
#include "tracking/internal/records.h"
#include "tracking/internal/run_finding.h"
#include "tracking/internal/run_loading.h"
#include "tracking/logged_model.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::tracking {

namespace {

using metadata::equal;
using metadata::Order;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

Result<void> check_name(std::string_view what, const std::string& name) {
  if (is_name(name)) return {};
  return invalid_argument(
      fmt::format("naming {}: a name is text of 1 to {} characters", what, kMaxNameCharacters));
}

Result<RunRecord> writable_run(const ReadTransaction& tx, const RunId& id) {
  MARTLET_TRY_SET(RunRecord record, tx.require<RunRecord>("run", id));
  if (record.lifecycle == Lifecycle::Deleted) {
    return invalid_argument(
        fmt::format("run {} is deleted and can't be changed; restore it first", id.text()));
  }
  return record;
}

// As a column and as a tag.
Result<void> name_run(Transaction& tx, RunRecord& record, const std::string& name) {
  MARTLET_TRY(check_name("a run", name));
  record.name = name;
  MARTLET_TRY(tx.put(TagRecord{record.id, std::string(kNameTag), name}));
  return tx.update(record);
}

Result<void> write_params(Transaction& tx, const RunId& run, const Texts& params) {
  std::vector<ParamRecord> fresh;
  for (const auto& [key, value] : params) {
    MARTLET_TRY_SET(const auto kept, tx.get<ParamRecord>(run, key));
    if (!kept.has_value()) {
      fresh.push_back({run, key, value});
    } else if (kept->value != value) {
      return invalid_argument(
          fmt::format("changing param \"{}\" of run {} from \"{}\" to \"{}\": params are never "
                      "changed; log another key or start a new run",
                      key, run.text(), kept->value, value));
    }
  }
  for (const ParamRecord& param : fresh) MARTLET_TRY(tx.insert(param));
  return {};
}

// What log() reads first, said beforehand.
void expect_log(const ReadTransaction& tx, const RunId& run, const RunBatch& batch) {
  tx.expect<RunRecord>(run);
  for (const auto& [key, value] : batch.params) tx.expect<ParamRecord>(run, key);
  expect_points(tx, run, batch.metrics);
}

// What a batch adds to a run besides its params and tags.
Result<void> write_others(Transaction& tx, const RunRecord& run, const RunBatch& batch) {
  MARTLET_TRY(write_points(tx, run, batch.metrics));
  for (const DatasetInput& input : batch.inputs) {
    MARTLET_TRY(tx.insert_if_absent(
        InputRecord{run.id, input.name, input.digest, input.context, input.details}));
  }
  for (const ModelMetric& measured : batch.model_metrics)
    MARTLET_TRY(LoggedModels::log(tx, run.id, measured));
  for (const bool made : {false, true}) {
    for (const RunModel& model : made ? batch.model_outputs : batch.model_inputs)
      MARTLET_TRY(tx.insert_if_absent(RunModelRecord{run.id, model.model, made, model.step}));
  }
  return {};
}

}  // namespace

std::string Tracker::fresh_id() {
  const std::unique_lock lock(mutex_);
  return new_id(clock_, random_);
}

Result<Experiment> Tracker::create_experiment(const std::string& name, const Texts& tags,
                                              const metadata::Also<Experiment>& also) {
  MARTLET_TRY(check_name("an experiment", name));
  MARTLET_TRY(check_experiment_tags(tags));
  return database_.write([&](Transaction& tx) -> Result<Experiment> {
    MARTLET_TRY_SET(const auto existing, tx.first<ExperimentRecord>(equal("name", name)));
    if (existing.has_value()) {
      return fail(ErrorCode::AlreadyExists,
                  fmt::format("there is an experiment named \"{}\" already ({}); {}", name,
                              existing->id.text(),
                              existing->lifecycle == Lifecycle::Deleted
                                  ? "it is deleted: restore it or choose another name"
                                  : "use it or choose another name"));
    }
    MARTLET_TRY_SET(const std::optional<std::int64_t> last,
                    tx.greatest<ExperimentRecord>("number"));
    ExperimentRecord record;
    record.number = last.value_or(0) + 1;
    record.id = ExperimentId(std::to_string(record.number));
    record.name = name;
    record.created = record.updated = clock_.now();
    for (const auto& [key, value] : tags) record.tags[key] = value;
    MARTLET_TRY(tx.insert(record));
    return metadata::with<Experiment>(tx, experiment_of(record), also);
  });
}

Result<Experiment> Tracker::get_or_create_experiment(const std::string& name) {
  MARTLET_TRY_SET(const std::optional<Experiment> existing, experiment_named(name));
  if (existing.has_value()) return *existing;
  auto created = create_experiment(name);
  if (created.has_value() || created.error().code() != ErrorCode::AlreadyExists) return created;
  // Somebody else was quicker.
  MARTLET_TRY_SET(std::optional<Experiment> theirs, experiment_named(name));
  if (theirs.has_value()) return std::move(*theirs);
  return created;
}

Result<Experiment> Tracker::experiment(const ExperimentId& id) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<Experiment> {
    MARTLET_TRY_SET(const ExperimentRecord record, tx.require<ExperimentRecord>("experiment", id));
    return experiment_of(record);
  });
}

Result<std::optional<Experiment>> Tracker::experiment_named(const std::string& name) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::optional<Experiment>> {
    MARTLET_TRY_SET(const auto record, tx.first<ExperimentRecord>(equal("name", name)));
    if (!record.has_value()) return std::optional<Experiment>();
    return std::optional<Experiment>(experiment_of(*record));
  });
}

Result<std::vector<Experiment>> Tracker::experiments(View view) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::vector<Experiment>> {
    Query query(view == View::All ? metadata::Condition{}
                                  : equal("lifecycle", view == View::Active ? Lifecycle::Active
                                                                            : Lifecycle::Deleted));
    MARTLET_TRY_SET(const auto records,
                    tx.select<ExperimentRecord>(query.order_by("number", Order::Descending)));
    std::vector<Experiment> found;
    found.reserve(records.size());
    for (const ExperimentRecord& record : records) found.push_back(experiment_of(record));
    return found;
  });
}

Result<void> Tracker::set_experiment_tag(const ExperimentId& id, const std::string& key,
                                         const std::string& value) {
  MARTLET_TRY(check_experiment_tags({{key, value}}));
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(ExperimentRecord record, tx.require<ExperimentRecord>("experiment", id));
    if (record.lifecycle == Lifecycle::Deleted)
      return invalid_argument(fmt::format("experiment {} is deleted; restore it first", id.text()));
    record.tags[key] = value;
    record.updated = clock_.now();
    return tx.update(record);
  });
}

Result<void> Tracker::rename_experiment(const ExperimentId& id, const std::string& name) {
  MARTLET_TRY(check_name("an experiment", name));
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(ExperimentRecord record, tx.require<ExperimentRecord>("experiment", id));
    if (record.lifecycle == Lifecycle::Deleted)
      return invalid_argument(fmt::format("experiment {} is deleted; restore it first", id.text()));
    record.name = name;
    record.updated = clock_.now();
    return tx.update(record);
  });
}

Result<void> Tracker::set_experiment_lifecycle(const ExperimentId& id, Lifecycle lifecycle) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(ExperimentRecord record, tx.require<ExperimentRecord>("experiment", id));
    if (record.lifecycle == lifecycle) {
      return fail(ErrorCode::Conflict,
                  fmt::format("experiment {} is {} already", id.text(), name_of(lifecycle)));
    }
    const Timestamp now = clock_.now();
    const bool deleting = lifecycle == Lifecycle::Deleted;
    // The runs that go with it are marked by the same instant.
    const std::optional<Timestamp> mark = deleting ? now : record.deleted;
    metadata::Condition affected =
        equal("experiment", id) &&
        (deleting ? equal("lifecycle", Lifecycle::Active) : equal("deleted", mark));
    if (deleting) {
      MARTLET_TRY(tx.set_where<RunRecord>(affected, "deleted", mark));
      affected = equal("experiment", id) && equal("deleted", mark);
    }
    MARTLET_TRY(tx.set_where<RunRecord>(affected, "lifecycle", lifecycle));
    if (!deleting)
      MARTLET_TRY(tx.set_where<RunRecord>(affected, "deleted", std::optional<Timestamp>()));
    record.lifecycle = lifecycle;
    record.updated = now;
    record.deleted = deleting ? mark : std::nullopt;
    return tx.update(record);
  });
}

Result<void> Tracker::remove_experiment_tag(const ExperimentId& id, const std::string& key) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(ExperimentRecord record, tx.require<ExperimentRecord>("experiment", id));
    if (record.lifecycle == Lifecycle::Deleted)
      return invalid_argument(fmt::format("experiment {} is deleted; restore it first", id.text()));
    if (record.tags.erase(key) == 0)
      return not_found(fmt::format("experiment {} has no tag \"{}\"", id.text(), key));
    record.updated = clock_.now();
    return tx.update(record);
  });
}

Result<ExperimentPage> Tracker::search_experiments(const ExperimentSearch& search) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<ExperimentPage> {
    return find_experiments(tx, search);
  });
}

Result<Run> Tracker::start_run(const NewRun& request, const metadata::Also<Run>& also) {
  MARTLET_TRY(check_batch(request.first));
  RunRecord record;
  record.id = RunId(fresh_id());
  record.experiment = request.experiment;
  const auto named = request.first.tags.find(std::string(kNameTag));
  if (named != request.first.tags.end()) {
    record.name = named->second;
  } else if (!request.name.empty()) {
    record.name = request.name;
  } else {  // the last digits are the random ones
    record.name = "run-" + record.id.text().substr(record.id.text().size() - 8);
  }
  MARTLET_TRY(check_name("a run", record.name));
  record.user = request.user;
  record.status = request.status;
  record.started = request.started.value_or(clock_.now());
  if (has_ended(request.status)) record.ended = clock_.now();
  record.facts = request.facts;
  Texts tags = request.first.tags;
  tags[std::string(kNameTag)] = record.name;
  return database_.write([&](Transaction& tx) -> Result<Run> {
    MARTLET_TRY_SET(const ExperimentRecord experiment,
                    tx.require<ExperimentRecord>("experiment", request.experiment));
    if (experiment.lifecycle == Lifecycle::Deleted) {
      return invalid_argument(fmt::format(
          "experiment {} is deleted and takes no runs; restore it first", experiment.id.text()));
    }
    MARTLET_TRY(tx.insert(record));
    for (const auto& [key, value] : tags) MARTLET_TRY(tx.insert(TagRecord{record.id, key, value}));
    for (const auto& [key, value] : request.first.params)
      MARTLET_TRY(tx.insert(ParamRecord{record.id, key, value}));
    MARTLET_TRY(write_others(tx, record, request.first));
    return metadata::with(tx, started_run(tx, record, tags, request.first), also);
  });
}

Result<void> Tracker::log(metadata::Transaction& tx, const RunId& run, const RunBatch& batch) {
  MARTLET_TRY(check_batch(batch));
  expect_log(tx, run, batch);
  MARTLET_TRY_SET(RunRecord record, writable_run(tx, run));
  MARTLET_TRY(write_params(tx, run, batch.params));
  MARTLET_TRY(write_others(tx, record, batch));
  const auto name = batch.tags.find(std::string(kNameTag));
  if (name != batch.tags.end() && name->second != record.name)
    MARTLET_TRY(name_run(tx, record, name->second));
  for (const auto& [key, value] : batch.tags) MARTLET_TRY(tx.put(TagRecord{run, key, value}));
  return {};
}

Result<void> Tracker::log(const RunId& run, const RunBatch& batch) {
  return database_.write([&](Transaction& tx) { return log(tx, run, batch); });
}

Result<void> Tracker::remove_tag(const RunId& run, const std::string& key) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY(writable_run(tx, run));
    MARTLET_TRY_SET(const bool removed, tx.remove<TagRecord>(run, key));
    if (!removed) return not_found(fmt::format("run {} has no tag \"{}\"", run.text(), key));
    return {};
  });
}

Result<Artifact> Tracker::record_artifact(const RunId& run, Artifact artifact) {
  artifact.logged = clock_.now();
  return database_.write([&](Transaction& tx) -> Result<Artifact> {
    MARTLET_TRY(put_file(tx, FileOwner{.run = run}, artifact));
    return artifact;
  });
}

Result<Artifact> Tracker::log_artifact(const RunId& run, const std::string& path,
                                       std::string_view bytes) {
  MARTLET_TRY(artifacts::check_relative_path(path));
  MARTLET_TRY_SET(const Digest digest, blobs_.put(bytes));
  return record_artifact(run, {path, digest, static_cast<std::int64_t>(bytes.size()), {}});
}

Result<Artifact> Tracker::log_artifact_file(const RunId& run, const std::string& path,
                                            const std::string& file) {
  MARTLET_TRY(artifacts::check_relative_path(path));
  MARTLET_TRY_SET(const artifacts::StoredBlob stored, blobs_.put_file(file));
  return record_artifact(run,
                         {path, stored.digest, static_cast<std::int64_t>(stored.size_bytes), {}});
}

Result<Artifact> Tracker::log_stored_artifact(const RunId& run, const std::string& path,
                                              const Digest& blob) {
  MARTLET_TRY(artifacts::check_relative_path(path));
  MARTLET_TRY_SET(const std::uint64_t size_bytes, blobs_.size_bytes(blob));
  return record_artifact(run, {path, blob, static_cast<std::int64_t>(size_bytes), {}});
}

Result<void> Tracker::set_status(metadata::Transaction& tx, const RunId& run, RunStatus status,
                                 Timestamp ended) {
  MARTLET_TRY_SET(RunRecord record, writable_run(tx, run));
  MARTLET_TRY_SET(record.status, next_status(record.status, status));
  record.ended = has_ended(status) ? std::optional<Timestamp>(ended) : std::nullopt;
  return tx.update(record);
}

Result<void> Tracker::set_status(const RunId& run, RunStatus status,
                                 std::optional<Timestamp> ended) {
  return database_.write(
      [&](Transaction& tx) { return set_status(tx, run, status, ended.value_or(clock_.now())); });
}

Result<void> Tracker::rename_run(const RunId& run, const std::string& name) {
  return update_run(run, {.status = {}, .ended = {}, .name = name}).map([](const Run&) {});
}

Result<Run> Tracker::update_run(const RunId& run, const RunUpdate& update) {
  return database_.write([&](Transaction& tx) -> Result<Run> {
    MARTLET_TRY_SET(RunRecord record, writable_run(tx, run));
    if (update.status.has_value()) {
      MARTLET_TRY_SET(record.status, next_status(record.status, *update.status));
      if (!has_ended(record.status)) {
        record.ended.reset();
      } else if (!record.ended.has_value()) {
        record.ended = clock_.now();
      }
    }
    // Clients that take a run up again send its old end with it.
    if (update.ended.has_value() && has_ended(record.status)) record.ended = update.ended;
    MARTLET_TRY(tx.update(record));
    if (update.name.has_value()) MARTLET_TRY(name_run(tx, record, *update.name));
    return load_run(tx, std::move(record));
  });
}

Result<void> Tracker::set_run_lifecycle(const RunId& run, Lifecycle lifecycle) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(RunRecord record, tx.require<RunRecord>("run", run));
    if (record.lifecycle == lifecycle) return {};
    record.lifecycle = lifecycle;
    record.deleted = lifecycle == Lifecycle::Deleted ? std::optional(clock_.now()) : std::nullopt;
    return tx.update(record);
  });
}

Result<Run> Tracker::run(const RunId& id) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<Run> {
    MARTLET_TRY_SET(RunRecord record, tx.require<RunRecord>("run", id));
    return load_run(tx, std::move(record));
  });
}

Result<RunPage> Tracker::search(const RunSearch& search) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<RunPage> {
    MARTLET_TRY_SET(FoundRuns found, find_runs(tx, search));
    MARTLET_TRY_SET(std::vector<Run> runs, load_runs(tx, std::move(found.records)));
    return RunPage{std::move(runs), found.next};
  });
}

Result<std::vector<Metric>> Tracker::history(const RunId& run, const std::string& key) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::vector<Metric>> {
    MARTLET_TRY(tx.require<RunRecord>("run", run));
    return read_points(tx, run, key);
  });
}

Result<std::string> Tracker::read_artifact(const RunId& run, const std::string& path) const {
  MARTLET_TRY_SET(const ArtifactRecord record,
                  database_.read([&](const ReadTransaction& tx) -> Result<ArtifactRecord> {
                    MARTLET_TRY(tx.require<RunRecord>("run", run));
                    return tx.require<ArtifactRecord>("artifact", run, path);
                  }));
  return blobs_.get(record.digest);
}

Result<std::vector<Difference>> Tracker::compare(const RunId& first, const RunId& second) const {
  MARTLET_TRY_SET(const Run left, run(first));
  MARTLET_TRY_SET(const Run right, run(second));
  return tracking::compare(left, right);
}

}  // namespace martlet::tracking
