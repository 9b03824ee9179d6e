// lifecycle/import.h: the use case "runs import": what an MLflow store holds, taken over into ours:
// experiments, runs, every point of their metrics, datasets and artifacts; logged models with their
// files; registered models, versions, aliases and tags.
//
// Three kinds of store: a folder (`mlruns`), a SQLite database, a server. Nothing of it is changed.
// An import only adds, run by run, and each run's parts in the order record, points, artifacts; so
// importing again adds what is new, and after a kill the same command goes on. Registered models
// come last, since their versions are of runs and of logged models.
#pragma once
#include "base/cancel.h"
#include "base/finding.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "lifecycle/store.h"
#include "registry/registry_import.h"
#include "tracking/logged_model_import.h"
#include "tracking/run_import.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace martlet::lifecycle {

enum class ImportArtifacts : std::uint8_t { Copy, Leave };

struct ImportProgress {
  std::string experiment;
  std::int64_t runs = 0;  // seen so far
};

struct ImportRequest {
  // A folder; a file or "sqlite:///path"; "http://host:port".
  std::string source;
  // By name; none: all, and the registered models, which belong to no experiment.
  std::vector<std::string> experiments;
  tracking::ImportMode mode = tracking::ImportMode::Write;
  ImportArtifacts artifacts = ImportArtifacts::Copy;
  // A folder that artifacts may be read from besides the store's own: where "mlflow-artifacts:/"
  // begins, or where a store that was moved has them. "" : none.
  std::string artifacts_directory;
  Secret token;  // for a server
  CancelToken cancel;
  std::function<void(const ImportProgress&)> on_progress;
};

struct ImportReport {
  std::string kind;  // "files", "database", "server"
  bool rehearsed = false;
  std::int64_t experiments_found = 0, experiments_added = 0;
  std::int64_t runs_found = 0, points_found = 0, artifacts_found = 0;
  std::int64_t artifact_bytes_added = 0;
  tracking::ImportTally added;
  std::int64_t logged_models_found = 0, model_files_found = 0;
  std::int64_t model_file_bytes_added = 0;
  tracking::LoggedModelTally logged_models_added;
  std::int64_t models_found = 0, versions_found = 0;
  registry::RegistryTally registry_added;
  // What was left out, and why. Everything else is here.
  std::vector<Finding> findings;
};
// {source, kind, dry_run, experiments: {found, added}, runs: {found, added}, points: {found,
// added},
//  params: {added}, tags: {added}, datasets: {added}, artifacts: {found, added, bytes},
//  logged_models: {found, added, params, tags, metrics}, model_files: {found, added, bytes},
//  registered_models: {found, added}, model_versions: {found, added}, model_aliases: {added},
//  model_tags: {added}, findings}
Json to_json(const ImportReport& report, const std::string& source);

// An Error means that the source couldn't be read as a whole, that our store failed, or Cancelled:
// what was imported before stays. NotFound: no such source; InvalidArgument: no MLflow store, or an
// experiment that it doesn't have.
Result<ImportReport> import_runs(const Store& store, const ImportRequest& request);

}  // namespace martlet::lifecycle
