#include "tracking/run_import.h"

#include "artifacts/tree.h"
#include "base/text.h"
#include "metadata/database.h"
#include "tracking/internal/metric_points.h"
#include "tracking/internal/name.h"
#include "tracking/internal/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

namespace martlet::tracking {

namespace {

using metadata::equal;
using metadata::ReadTransaction;
using metadata::Transaction;

constexpr std::int64_t kMaxKeptNumber = std::numeric_limits<std::int32_t>::max();

// The findings of one param, tag, metric key or input; none when it may be kept.
bool is_allowed(const RunBatch& one, const RunId& run, std::vector<Finding>& findings) {
  const auto checked = check_batch(one);
  if (checked.has_value()) return true;
  for (Finding finding : checked.error().findings()) {
    finding.path = fmt::format("run {} {}", run.text(), finding.path);
    finding.message += "; it was left out";
    findings.push_back(std::move(finding));
  }
  return false;
}

RunBatch allowed_part(const Run& run, std::vector<Finding>& findings) {
  RunBatch part;
  for (const auto& [key, value] : run.params) {
    RunBatch one;
    one.params[key] = value;
    if (is_allowed(one, run.id, findings)) part.params[key] = value;
  }
  for (const auto& [key, value] : run.tags) {
    RunBatch one;
    one.tags[key] = value;
    if (is_allowed(one, run.id, findings)) part.tags[key] = value;
  }
  for (const DatasetInput& input : run.inputs) {
    RunBatch one;
    one.inputs.push_back(input);
    if (is_allowed(one, run.id, findings)) part.inputs.push_back(input);
  }
  part.model_inputs = run.model_inputs;
  part.model_outputs = run.model_outputs;
  return part;
}

RunRecord record_of(const Run& theirs, const ExperimentId& experiment, Timestamp now) {
  RunRecord record;
  record.id = theirs.id;
  record.experiment = experiment;
  record.name = theirs.name;
  if (const auto tag = theirs.tags.find(std::string(kNameTag));
      !is_name(record.name) && tag != theirs.tags.end())
    record.name = tag->second;
  if (!is_name(record.name)) record.name = "run-" + theirs.id.text().substr(0, 8);
  record.user = is_valid_utf8(theirs.user) ? theirs.user : "";
  record.status = theirs.status;
  record.lifecycle = theirs.lifecycle;
  record.started = theirs.started;
  // Other stores know runs that ended at no time, and running ones that have an end.
  if (has_ended(record.status)) record.ended = theirs.ended.value_or(theirs.started);
  record.facts = theirs.facts;
  if (record.lifecycle == Lifecycle::Deleted) record.deleted = theirs.deleted.value_or(now);
  return record;
}

std::vector<RunModelRecord> models_of(const RunId& run, const RunBatch& part) {
  std::vector<RunModelRecord> models;
  for (const RunModel& model : part.model_inputs)
    models.push_back({run, model.model, false, model.step});
  for (const RunModel& model : part.model_outputs)
    models.push_back({run, model.model, true, model.step});
  return models;
}

Result<ImportTally> write_parts(Transaction& tx, const RunId& run, const RunBatch& part) {
  ImportTally tally;
  for (const auto& [key, value] : part.params) {
    MARTLET_TRY_SET(const bool fresh, tx.insert_if_absent(ParamRecord{run, key, value}));
    tally.params += fresh ? 1 : 0;
  }
  for (const auto& [key, value] : part.tags) {
    MARTLET_TRY_SET(const bool fresh, tx.insert_if_absent(TagRecord{run, key, value}));
    tally.tags += fresh ? 1 : 0;
  }
  for (const DatasetInput& input : part.inputs) {
    MARTLET_TRY_SET(const bool fresh,
                    tx.insert_if_absent(
                        InputRecord{run, input.name, input.digest, input.context, input.details}));
    tally.inputs += fresh ? 1 : 0;
  }
  for (const RunModelRecord& model : models_of(run, part)) {
    MARTLET_TRY_SET(const bool fresh, tx.insert_if_absent(model));
    tally.models += fresh ? 1 : 0;
  }
  return tally;
}

Result<ImportTally> count_parts(const ReadTransaction& tx, const RunId& run, const RunBatch& part) {
  ImportTally tally;
  for (const auto& [key, value] : part.params) {
    MARTLET_TRY_SET(const bool there, tx.exists<ParamRecord>(run, key));
    tally.params += there ? 0 : 1;
  }
  for (const auto& [key, value] : part.tags) {
    MARTLET_TRY_SET(const bool there, tx.exists<TagRecord>(run, key));
    tally.tags += there ? 0 : 1;
  }
  for (const DatasetInput& input : part.inputs) {
    MARTLET_TRY_SET(const bool there,
                    tx.exists<InputRecord>(run, input.name, input.digest, input.context));
    tally.inputs += there ? 0 : 1;
  }
  for (const RunModelRecord& model : models_of(run, part)) {
    MARTLET_TRY_SET(const bool there,
                    tx.exists<RunModelRecord>(model.run, model.model, model.made, model.step));
    tally.models += there ? 0 : 1;
  }
  return tally;
}

// A param that another store has with another value is not changed, but told.
Result<void> compare_params(const ReadTransaction& tx, const RunId& run, const RunBatch& part,
                            std::vector<Finding>& findings) {
  for (const auto& [key, value] : part.params) {
    MARTLET_TRY_SET(const auto kept, tx.get<ParamRecord>(run, key));
    if (!kept.has_value() || kept->value == value) continue;
    Finding finding;
    finding.path = fmt::format("run {} params[{}]", run.text(), to_text(Json(key)));
    finding.rule = "param_differs";
    finding.message = "it has another value here already, which was kept";
    findings.push_back(std::move(finding));
  }
  return {};
}

std::int64_t number_of(const ExperimentId& id) {
  std::int64_t number = -1;
  const std::string& text = id.text();
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  return whole && number > 0 && number <= kMaxKeptNumber && std::to_string(number) == text ? number
                                                                                           : -1;
}

}  // namespace

ImportTally& ImportTally::operator+=(const ImportTally& other) {
  runs += other.runs;
  params += other.params;
  tags += other.tags;
  points += other.points;
  inputs += other.inputs;
  artifacts += other.artifacts;
  models += other.models;
  return *this;
}

Result<RunImporter::Placed> RunImporter::experiment(const Experiment& theirs) {
  if (!is_name(theirs.name)) {
    return invalid_argument(
        fmt::format("importing experiment {}: a name is text of 1 to {} characters",
                    theirs.id.text(), kMaxNameCharacters));
  }
  const auto find = [&](const ReadTransaction& tx) {
    return tx.first<ExperimentRecord>(equal("name", theirs.name));
  };
  if (mode_ == ImportMode::Rehearse) {
    MARTLET_TRY_SET(const auto existing, database_.read(find));
    return existing.has_value() ? Placed{existing->id, false} : Placed{{}, true};
  }
  return database_.write([&](Transaction& tx) -> Result<Placed> {
    MARTLET_TRY_SET(const auto existing, find(tx));
    if (existing.has_value()) return Placed{existing->id, false};
    ExperimentRecord record;
    record.number = number_of(theirs.id);
    bool taken = record.number < 0;
    if (!taken) {
      MARTLET_TRY_SET(taken, tx.exists<ExperimentRecord>(theirs.id));
    }
    if (taken) {
      MARTLET_TRY_SET(const auto last, tx.greatest<ExperimentRecord>("number"));
      record.number = last.value_or(0) + 1;
    }
    record.id = ExperimentId(std::to_string(record.number));
    record.name = theirs.name;
    record.lifecycle = theirs.lifecycle;
    record.created = theirs.created;
    record.updated = theirs.updated;
    if (record.lifecycle == Lifecycle::Deleted)
      record.deleted = theirs.deleted.value_or(clock_.now());
    for (const auto& [key, value] : theirs.tags) record.tags[key] = value;
    MARTLET_TRY(tx.insert(record));
    return Placed{record.id, true};
  });
}

Result<ImportTally> RunImporter::begin_run(const Run& theirs, const ExperimentId& experiment,
                                           std::vector<Finding>& findings) {
  run_ = theirs.id;
  metrics_.clear();
  const RunBatch part = allowed_part(theirs, findings);
  const RunRecord fresh = record_of(theirs, experiment, clock_.now());
  const auto look = [&](const ReadTransaction& tx) -> Result<std::optional<RunRecord>> {
    MARTLET_TRY_SET(auto existing, tx.get<RunRecord>(run_));
    if (existing.has_value() && existing->experiment != experiment) {
      return conflict(fmt::format("importing run {}: there is a run of this id in experiment {} "
                                  "already",
                                  run_.text(), existing->experiment.text()));
    }
    if (existing.has_value()) MARTLET_TRY(compare_params(tx, run_, part, findings));
    return existing;
  };
  if (mode_ == ImportMode::Rehearse) {
    return database_.read([&](const ReadTransaction& tx) -> Result<ImportTally> {
      MARTLET_TRY_SET(const auto existing, look(tx));
      is_new_ = !existing.has_value();
      MARTLET_TRY_SET(ImportTally tally, count_parts(tx, run_, part));
      tally.runs = is_new_ ? 1 : 0;
      return tally;
    });
  }
  return database_.write([&](Transaction& tx) -> Result<ImportTally> {
    MARTLET_TRY_SET(auto existing, look(tx));
    is_new_ = !existing.has_value();
    if (is_new_) {
      MARTLET_TRY(tx.insert(fresh));
    } else if (!has_ended(existing->status) && has_ended(fresh.status)) {
      existing->status = fresh.status;
      existing->ended = fresh.ended;
      MARTLET_TRY(tx.update(*existing));
    }
    MARTLET_TRY_SET(ImportTally tally, write_parts(tx, run_, part));
    if (is_new_)
      MARTLET_TRY(tx.insert_if_absent(TagRecord{run_, std::string(kNameTag), fresh.name}));
    tally.runs = is_new_ ? 1 : 0;
    return tally;
  });
}

RunImporter::Identity RunImporter::identity_of(const Metric& point) {
  // Every NaN is one; -0 is 0.
  const double value = std::isnan(point.value) ? std::numeric_limits<double>::quiet_NaN()
                       : point.value == 0      ? 0.0
                                               : point.value;
  return {point.at.micros, point.step, std::bit_cast<std::uint64_t>(value)};
}

Result<RunImporter::Known*> RunImporter::known(const std::string& key,
                                               std::vector<Finding>& findings) {
  if (const auto found = metrics_.find(key); found != metrics_.end()) return &found->second;
  Known made;
  RunBatch one;
  one.metrics.push_back({key, 0, 0, {}});
  made.allowed = is_allowed(one, run_, findings);
  if (made.allowed && !is_new_) {
    MARTLET_TRY_SET(
        const std::vector<Metric> points,
        database_.read([&](const ReadTransaction& tx) { return read_points(tx, run_, key); }));
    for (const Metric& point : points) made.before.push_back(identity_of(point));
    std::sort(made.before.begin(), made.before.end());
  }
  return &metrics_.emplace(key, std::move(made)).first->second;
}

Result<ImportTally> RunImporter::add_points(std::span<const Metric> points,
                                            std::vector<Finding>& findings) {
  std::vector<Metric> added;
  for (const Metric& point : points) {
    MARTLET_TRY_SET(const Known* of_key, known(point.key, findings));
    if (!of_key->allowed) continue;
    if (std::binary_search(of_key->before.begin(), of_key->before.end(), identity_of(point)))
      continue;
    added.push_back(point);
  }
  ImportTally tally;
  tally.points = std::ssize(added);
  if (added.empty() || mode_ == ImportMode::Rehearse) return tally;
  MARTLET_TRY(database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(const RunRecord record, tx.require<RunRecord>("run", run_));
    return write_points(tx, record, added);
  }));
  return tally;
}

Result<std::optional<std::int64_t>> RunImporter::artifact_size(const std::string& path) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::optional<std::int64_t>> {
    MARTLET_TRY_SET(const auto record, tx.get<ArtifactRecord>(run_, path));
    if (!record.has_value()) return std::optional<std::int64_t>();
    return std::optional<std::int64_t>(record->size_bytes);
  });
}

Result<ImportTally> RunImporter::add_artifact(const Artifact& artifact) {
  MARTLET_TRY(artifacts::check_relative_path(artifact.path));
  ImportTally tally;
  tally.artifacts = 1;
  if (mode_ == ImportMode::Rehearse) return tally;
  MARTLET_TRY_SET(const bool fresh, database_.write([&](Transaction& tx) {
    return tx.insert_if_absent(
        ArtifactRecord{run_, artifact.path, artifact.digest, artifact.size_bytes, clock_.now()});
  }));
  tally.artifacts = fresh ? 1 : 0;
  return tally;
}

}  // namespace martlet::tracking
