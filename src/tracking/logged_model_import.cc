#include "tracking/logged_model_import.h"

#include "artifacts/tree.h"
#include "base/findings.h"
#include "base/text.h"
#include "metadata/database.h"
#include "tracking/internal/name.h"
#include "tracking/internal/records.h"

#include <fmt/format.h>

#include <map>
#include <tuple>
#include <utility>

namespace martlet::tracking {

namespace {

using metadata::ReadTransaction;
using metadata::Transaction;

constexpr std::string_view kParam = "param";
constexpr std::string_view kTag = "tag";

// Whether one param, tag or metric may be kept, by the rules for what runs log.
bool is_allowed(const RunBatch& one, const std::string& model, std::vector<Finding>& findings) {
  const auto checked = check_batch(one);
  if (checked.has_value()) return true;
  for (const Finding& finding : checked.error().findings()) {
    add_finding(findings, fmt::format("logged model {} {}", model, finding.path), finding.rule,
                finding.message + "; it was left out");
  }
  return false;
}

struct Parts {
  std::vector<LoggedModelTextRecord> texts;
  std::vector<LoggedModelMetricRecord> metrics;
};

Parts allowed_parts(const LoggedModel& model, std::vector<Finding>& findings) {
  Parts parts;
  for (const auto& [key, value] : model.params) {
    RunBatch one;
    one.params[key] = value;
    if (is_allowed(one, model.id, findings))
      parts.texts.push_back({model.id, std::string(kParam), key, value});
  }
  for (const auto& [key, value] : model.tags) {
    RunBatch one;
    one.tags[key] = value;
    if (is_allowed(one, model.id, findings))
      parts.texts.push_back({model.id, std::string(kTag), key, value});
  }
  std::map<std::string, bool> allowed;
  std::map<std::tuple<std::string, std::string, std::string>, const LoggedModelMetric*> latest;
  for (const LoggedModelMetric& one : model.metrics) {
    const Metric& point = one.measured.metric;
    const auto [known, fresh] = allowed.emplace(point.key, true);
    if (fresh) {
      RunBatch batch;
      batch.metrics.push_back({point.key, 0, 0, {}});
      known->second = is_allowed(batch, model.id, findings);
    }
    if (!known->second) continue;
    const LoggedModelMetric*& kept =
        latest[{point.key, one.measured.dataset_name, one.measured.dataset_digest}];
    if (kept == nullptr || is_later(point, kept->measured.metric)) kept = &one;
  }
  for (const auto& [identity, one] : latest) {
    const Metric& point = one->measured.metric;
    parts.metrics.push_back({model.id, point.key, one->measured.dataset_name,
                             one->measured.dataset_digest, point.value, point.step, point.at,
                             one->run});
  }
  return parts;
}

LoggedModelRecord record_of(const LoggedModel& theirs, const ExperimentId& experiment) {
  LoggedModelRecord record;
  record.id = theirs.id;
  record.experiment = experiment;
  record.name = theirs.name;
  record.type = theirs.type;
  record.source_run = theirs.source_run;
  record.creator = theirs.creator;
  record.status = theirs.status;
  record.status_message = theirs.status_message;
  record.lifecycle = theirs.lifecycle;
  record.created = theirs.created;
  record.updated = theirs.updated;
  return record;
}

Result<void> check_model(const LoggedModel& theirs) {
  if (is_name(theirs.name) && is_short_text(theirs.type) && is_short_text(theirs.creator) &&
      is_short_text(theirs.source_run.text()) && is_valid_utf8(theirs.status_message))
    return {};
  return invalid_argument(fmt::format(
      "importing logged model {}: its name, type or creator is no text of at most {} characters",
      theirs.id, kMaxNameCharacters));
}

Result<std::optional<LoggedModelRecord>> look(const ReadTransaction& tx,
                                              const LoggedModelRecord& fresh, const Parts& parts,
                                              std::vector<Finding>& findings) {
  MARTLET_TRY_SET(auto existing, tx.get<LoggedModelRecord>(fresh.id));
  if (!existing.has_value()) return existing;
  if (existing->experiment != fresh.experiment || existing->name != fresh.name) {
    return conflict(
        fmt::format("importing logged model {}: there is one of this id already, \"{}\" "
                    "in experiment {}",
                    fresh.id, existing->name, existing->experiment.text()));
  }
  for (const LoggedModelTextRecord& text : parts.texts) {
    if (text.kind != kParam) continue;
    MARTLET_TRY_SET(const auto kept,
                    tx.get<LoggedModelTextRecord>(text.model, text.kind, text.key));
    if (kept.has_value() && kept->value != text.value)
      add_finding(findings,
                  fmt::format("logged model {} params[{}]", fresh.id, to_text(Json(text.key))),
                  "param_differs", "it has another value here already, which was kept");
  }
  return existing;
}

}  // namespace

LoggedModelTally& LoggedModelTally::operator+=(const LoggedModelTally& other) {
  models += other.models;
  params += other.params;
  tags += other.tags;
  metrics += other.metrics;
  files += other.files;
  return *this;
}

Result<LoggedModelTally> LoggedModelImporter::begin_model(const LoggedModel& theirs,
                                                          const ExperimentId& experiment,
                                                          std::vector<Finding>& findings) {
  MARTLET_TRY(check_model(theirs));
  model_ = theirs.id;
  const Parts parts = allowed_parts(theirs, findings);
  const LoggedModelRecord fresh = record_of(theirs, experiment);
  const auto count = [](LoggedModelTally& tally, const LoggedModelTextRecord& text) {
    ++(text.kind == kParam ? tally.params : tally.tags);
  };
  if (mode_ == ImportMode::Rehearse) {
    return database_.read([&](const ReadTransaction& tx) -> Result<LoggedModelTally> {
      LoggedModelTally tally;
      MARTLET_TRY_SET(const auto existing, look(tx, fresh, parts, findings));
      tally.models = existing.has_value() ? 0 : 1;
      for (const auto& text : parts.texts) {
        MARTLET_TRY_SET(const bool there,
                        tx.exists<LoggedModelTextRecord>(text.model, text.kind, text.key));
        if (!there) count(tally, text);
      }
      for (const auto& metric : parts.metrics) {
        MARTLET_TRY_SET(const bool there,
                        tx.exists<LoggedModelMetricRecord>(
                            metric.model, metric.key, metric.dataset_name, metric.dataset_digest));
        tally.metrics += there ? 0 : 1;
      }
      return tally;
    });
  }
  const std::size_t told = findings.size();
  return database_.write([&](Transaction& tx) -> Result<LoggedModelTally> {
    findings.resize(told);  // what an attempt before this one has told
    LoggedModelTally tally;
    MARTLET_TRY_SET(auto existing, look(tx, fresh, parts, findings));
    if (!existing.has_value()) {
      MARTLET_TRY(tx.insert(fresh));
      tally.models = 1;
    } else if (existing->status == LoggedModelStatus::Pending &&
               fresh.status != LoggedModelStatus::Pending) {
      existing->status = fresh.status;
      existing->status_message = fresh.status_message;
      existing->updated = fresh.updated;
      MARTLET_TRY(tx.update(*existing));
    }
    for (const auto& text : parts.texts) {
      MARTLET_TRY_SET(const bool added, tx.insert_if_absent(text));
      if (added) count(tally, text);
    }
    for (const auto& metric : parts.metrics) {
      MARTLET_TRY_SET(const bool added, tx.insert_if_absent(metric));
      tally.metrics += added ? 1 : 0;
    }
    return tally;
  });
}

Result<std::optional<std::int64_t>> LoggedModelImporter::file_size(const std::string& path) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::optional<std::int64_t>> {
    MARTLET_TRY_SET(const auto record, tx.get<LoggedModelFileRecord>(model_, path));
    if (!record.has_value()) return std::optional<std::int64_t>();
    return std::optional<std::int64_t>(record->size_bytes);
  });
}

Result<LoggedModelTally> LoggedModelImporter::add_file(const Artifact& file) {
  MARTLET_TRY(artifacts::check_relative_path(file.path));
  LoggedModelTally tally;
  tally.files = 1;
  if (mode_ == ImportMode::Rehearse) return tally;
  MARTLET_TRY_SET(const bool fresh, database_.write([&](Transaction& tx) {
    return tx.insert_if_absent(
        LoggedModelFileRecord{model_, file.path, file.digest, file.size_bytes, clock_.now()});
  }));
  tally.files = fresh ? 1 : 0;
  return tally;
}

}  // namespace martlet::tracking
