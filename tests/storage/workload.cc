#include "storage/workload.h"

#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "data/version_store.h"
#include "metadata/claims.h"
#include "storage/content.h"

#include <fmt/format.h>

#include <array>

namespace martlet::storage {

using metadata::Transaction;

std::string_view name_of(Operation operation) {
  static constexpr std::array<std::string_view, kOperations> kNames{
      "start_run", "log",         "artifact", "artifact_file", "blobs", "end_run",     "dataset",  "append_dataset",
      "add_version", "promote", "move_alias", "truth", "predictions", "pipeline", "fenced_write"};
  return kNames[static_cast<std::size_t>(operation)];
}

Worker::Worker(World& world, Ledger& ledger, const WorkloadOptions& options)
    : world_(world), ledger_(ledger), options_(options),
      random_(options.seed * 1009 + static_cast<std::uint64_t>(options.worker)),
      name_(fmt::format("w{}", options.worker)) {}

template <class Function>
Result<void> Worker::told(Operation operation, Json details, const Function& function) {
  details["op"] = std::string(name_of(operation));
  details["worker"] = options_.worker;
  const std::int64_t number = ledger_.begin(std::move(details));
  world_.clock().advance(Duration(1000));
  Result<Json> outcome = function(number);
  if (!outcome.has_value()) {
    ledger_.refuse(number, outcome.error().message());
    return fail(std::move(outcome).error());
  }
  ledger_.acknowledge(number, std::move(*outcome));
  return {};
}

Result<void> Worker::begin() {
  MARTLET_TRY_SET(const tracking::Experiment experiment, world_.tracker().get_or_create_experiment(name_));
  experiment_ = experiment.id;
  MARTLET_TRY_SET(const registry::ModelName model, registry::ModelName::parse(name_));
  if (auto versions = world_.registry().versions(model); versions.has_value() && !versions->empty()) {
    last_version_ = versions->front().version.number;
  } else if (!versions.has_value() && versions.error().code() != ErrorCode::NotFound) {
    return fail(std::move(versions).error());
  }
  return resume_pipelines();
}

Result<void> Worker::step() {
  // Weights: metadata most of all, as in life.
  static constexpr std::array<int, kOperations> kWeights{4, 12, 6, 2, 2, 2, 1, 1, 2, 5, 4, 6, 4, 3, 3};
  std::uint64_t draw = random_.below(57);
  int which = 0;
  while (draw >= static_cast<std::uint64_t>(kWeights[static_cast<std::size_t>(which)]))
    draw -= static_cast<std::uint64_t>(kWeights[static_cast<std::size_t>(which++)]);
  auto operation = static_cast<Operation>(which);
  const bool needs_duckdb = operation == Operation::Dataset || operation == Operation::AppendDataset;
  if (needs_duckdb && !options_.datasets) operation = Operation::Log;
  return perform(operation);
}

Result<void> Worker::need_run() { return run_.has_value() ? Result<void>{} : perform(Operation::StartRun); }

Result<void> Worker::need_version() {
  return last_version_ > 0 ? Result<void>{} : perform(Operation::AddVersion);
}

Result<void> Worker::perform(Operation operation) {
  switch (operation) {
    case Operation::StartRun:
      return told(operation, Json::object(), [&](std::int64_t n) { return start_run(n); });
    case Operation::Log:
      MARTLET_TRY(need_run());
      return told(operation, {{"run", run_operation_}}, [&](std::int64_t n) -> Result<Json> {
        MARTLET_TRY(world_.tracker().log(*run_, batch_of(n)));
        return Json::object();
      });
    case Operation::Artifact:
      MARTLET_TRY(need_run());
      return told(operation, {{"run", run_operation_}}, [&](std::int64_t n) -> Result<Json> {
        MARTLET_TRY(world_.tracker().log_artifact(*run_, fmt::format("a/{}", n), bytes_of(n)));
        return Json::object();
      });
    case Operation::ArtifactFile:
      MARTLET_TRY(need_run());
      return told(operation, {{"run", run_operation_}}, [&](std::int64_t n) { return artifact_file(n); });
    case Operation::Blobs:
      MARTLET_TRY(need_run());
      return told(operation, {{"run", run_operation_}}, [&](std::int64_t n) { return blobs(n); });
    case Operation::EndRun: {
      MARTLET_TRY(need_run());
      auto ended = told(operation, {{"run", run_operation_}}, [&](std::int64_t) -> Result<Json> {
        MARTLET_TRY(world_.tracker().set_status(*run_, tracking::RunStatus::Finished));
        return Json::object();
      });
      run_.reset();
      return ended;
    }
    case Operation::Dataset:
    case Operation::AppendDataset: {
      const bool append = operation == Operation::AppendDataset && datasets_ > 0;
      return told(append ? operation : Operation::Dataset, Json::object(),
                  [&](std::int64_t n) { return dataset(n, append); });
    }
    case Operation::AddVersion:
      return told(operation, Json::object(), [&](std::int64_t n) { return add_version(n); });
    case Operation::Promote:
      return told(operation, Json::object(), [&](std::int64_t n) { return promote(n); });
    case Operation::MoveAlias: {
      MARTLET_TRY(need_version());
      const auto target = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(last_version_))) + 1;
      return told(operation, {{"to", target}}, [&](std::int64_t n) { return move_alias(n, target); });
    }
    case Operation::Truth:
      return told(operation, Json::object(), [&](std::int64_t n) -> Result<Json> {
        std::vector<monitoring::Truth> truths = truths_of(n);
        truths.push_back({"shared-" + name_, static_cast<double>(n), Timestamp{n}});
        MARTLET_TRY(world_.truth().accept(truths, Timestamp{n}));
        return Json::object();
      });
    case Operation::Predictions:
      return told(operation, Json::object(), [&](std::int64_t n) { return predictions(n); });
    case Operation::Pipeline:
      return told(operation, Json::object(), [&](std::int64_t n) { return pipeline(n); });
    case Operation::FencedWrite:
      return told(operation, Json::object(), [&](std::int64_t n) { return fenced_write(n); });
  }
  return {};
}

Result<Json> Worker::start_run(std::int64_t number) {
  tracking::NewRun request;
  request.experiment = *experiment_;
  request.name = mark_of(number);
  request.facts = {{"operation", number}};
  request.first = batch_of(number);
  run_.reset();
  MARTLET_TRY_SET(const tracking::Run run, world_.tracker().start_run(request));
  run_ = run.id;
  run_operation_ = number;
  return Json{{"run", run.id.text()}};
}

Result<Json> Worker::artifact_file(std::int64_t number) {
  const std::string path = join_path(world_.store().scratch_directory(), fmt::format("upload-{}", number));
  MARTLET_TRY(world_.files().remove_all(path));
  MARTLET_TRY_SET(auto file, world_.files().create_new(path));
  MARTLET_TRY(file->append(bytes_of(number)));
  MARTLET_TRY(file->close());
  auto logged = world_.tracker().log_artifact_file(*run_, fmt::format("a/{}", number), path);
  MARTLET_TRY(world_.files().remove(path));
  MARTLET_TRY(std::move(logged));
  return Json::object();
}

Result<Json> Worker::blobs(std::int64_t number) {
  std::vector<std::string> contents;
  for (int part = 0; part < 4; ++part) contents.push_back(bytes_of(number, part));
  const std::vector<std::string_view> views(contents.begin(), contents.end());
  MARTLET_TRY_SET(const std::vector<Digest> digests, world_.blobs().put_many(views));
  for (std::size_t part = 0; part < digests.size(); ++part)
    MARTLET_TRY(world_.tracker().log_stored_artifact(*run_, fmt::format("a/{}/{}", number, part), digests[part]));
  return Json::object();
}

Result<Json> Worker::dataset(std::int64_t number, bool append) {
  data::VersionStore versions(world_.database(), world_.blobs(), world_.files(), world_.clock(),
                              world_.store().scratch_directory(), 16);
  data::SourceFile source;
  source.source = "storm";
  source.path = mark_of(number);
  data::BuiltDataset built;
  built.name = name_;
  built.rows = rows_of(number);
  built.files = {source};
  MARTLET_TRY_SET(const data::Published published,
                  append ? versions.append(name_, built.rows, {source}) : versions.publish(built));
  ++datasets_;
  return Json{{"number", published.version.number}, {"digest", published.version.digest.text()}};
}

Result<Json> Worker::add_version(std::int64_t number) {
  MARTLET_TRY_SET(const registry::ModelName model, registry::ModelName::parse(name_));
  MARTLET_TRY_SET(const Digest package, artifacts::put_tree(world_.blobs(), package_of(number)));
  registry::NewVersion request{model, package, {}};
  request.description = mark_of(number);
  MARTLET_TRY_SET(const registry::ModelVersion version, world_.registry().add_version(request, {}));
  last_version_ = version.version.number;
  return Json{{"version", last_version_}};
}

// As the loop does when a challenger wins: the version, what was said of it, and the alias, in one transaction.
Result<Json> Worker::promote(std::int64_t number) {
  MARTLET_TRY_SET(const registry::ModelName model, registry::ModelName::parse(name_));
  MARTLET_TRY_SET(const Digest package, artifacts::put_tree(world_.blobs(), package_of(number)));
  MARTLET_TRY_SET(const auto live, world_.registry().target_of(model, registry::Environment::Production,
                                                               registry::live_alias()));
  registry::NewVersion request{model, package, {}};
  request.description = mark_of(number);
  MARTLET_TRY_SET(const std::int64_t version, world_.database().write([&](Transaction& tx) -> Result<std::int64_t> {
    MARTLET_TRY_SET(const registry::ModelVersion added, world_.registry().add_version(tx, request, {}));
    registry::Attestation gates;
    gates.statement = Json{{"operation", number}};
    MARTLET_TRY(world_.registry().attest(tx, model, added.version, gates, {}));
    registry::AliasMove move{model, registry::Environment::Production, registry::live_alias(),
                             std::nullopt, added.version, mark_of(number)};
    if (live.has_value()) move.expected = live->version;
    MARTLET_TRY(world_.registry().move_alias(tx, move, {}));
    return added.version.number;
  }));
  last_version_ = version;
  return Json{{"version", version}};
}

Result<Json> Worker::move_alias(std::int64_t number, std::int64_t target) {
  MARTLET_TRY_SET(const registry::ModelName model, registry::ModelName::parse(name_));
  MARTLET_TRY_SET(const auto live, world_.registry().target_of(model, registry::Environment::Production,
                                                               registry::live_alias()));
  registry::AliasMove move{model, registry::Environment::Production, registry::live_alias(),
                           std::nullopt, {target}, mark_of(number)};
  if (live.has_value()) move.expected = live->version;
  MARTLET_TRY(world_.registry().move_alias(move, {}));
  return Json{{"moved", !live.has_value() || live->version.number != target}};
}

Result<Json> Worker::predictions(std::int64_t number) {
  MARTLET_TRY_SET(monitoring::PredictionLog* const log, world_.predictions());
  for (int part = 0; part < predictions_of(number); ++part) {
    monitoring::Prediction prediction;
    prediction.id = prediction_id(number, part);
    prediction.key = name_;
    prediction.at = world_.clock().now();
    prediction.score = static_cast<double>(number);
    prediction.row.push_back(columns::Cell::of_double(static_cast<double>(part)));
    prediction.row.push_back(columns::Cell::of_text(mark_of(number)));
    if (!log->append(std::move(prediction))) return fail(ErrorCode::ResourceExhausted, "the prediction log is full");
  }
  MARTLET_TRY(log->flush());
  return Json::object();
}

// An owner that was paused beyond its lease comes back and writes.
Result<Json> Worker::fenced_write(std::int64_t number) {
  VirtualClock leases(Timestamp{0});
  const metadata::Claims claims(leases, fmt::format("start-{}", number));
  const std::string key = "claim-" + name_;
  const auto take = [&](const std::string& owner) -> Result<metadata::Claim> {
    MARTLET_TRY_SET(const auto claim, world_.database().write([&](Transaction& tx) {
      return claims.claim(tx, key, owner, Duration(1000));
    }));
    if (!claim.has_value()) return conflict(key + " is held by somebody");
    return *claim;
  };
  MARTLET_TRY_SET(const metadata::Claim slow, take(fmt::format("slow {}", number)));
  leases.advance(Duration(2000));
  MARTLET_TRY_SET(const metadata::Claim quick, take(fmt::format("quick {}", number)));
  const auto write = [&](const metadata::Claim& claim, const std::string& value) {
    return world_.database().write([&](Transaction& tx) -> Result<void> {
      if (world_.bug() != Bug::NoFence) MARTLET_TRY(metadata::Claims::check(tx, claim));
      return tx.put(metadata::ClaimRecord{"result-" + name_, value, number, 0, ""});
    });
  };
  MARTLET_TRY(write(quick, mark_of(number)));
  const auto late = write(slow, "late");
  if (!late.has_value() && late.error().code() != ErrorCode::Conflict) return fail(late.error());
  return Json{{"token", quick.token}};
}

}  // namespace martlet::storage
