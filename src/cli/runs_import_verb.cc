// runs import: runs of an MLflow store, taken over.
#include "cli/interrupt.h"
#include "cli/runs_verbs.h"
#include "cli/session.h"
#include "lifecycle/import.h"
#include "platform/real_file_system.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <optional>

namespace martlet::cli {

namespace {

struct ImportFlags {
  std::string source, artifacts;
  std::vector<std::string> experiments;
  bool dry_run = false, no_artifacts = false;
};

lifecycle::ImportRequest request_of(const ImportFlags& flags) {
  lifecycle::ImportRequest request;
  request.source = flags.source;
  request.experiments = flags.experiments;
  if (flags.dry_run) request.mode = tracking::ImportMode::Rehearse;
  if (flags.no_artifacts) request.artifacts = lifecycle::ImportArtifacts::Leave;
  request.artifacts_directory = flags.artifacts;
  // As MLflow's own clients are told.
  if (const char* token = std::getenv("MLFLOW_TRACKING_TOKEN"); token != nullptr)
    request.token = Secret(token);
  return request;
}

// Ours, made when it is missing: in --store, else where existing_store() looked. A rehearsal makes
// none: it compares with an empty one.
Result<std::unique_ptr<lifecycle::Store>>
store_for(Session& session, const ImportFlags& flags,
          std::optional<platform::TemporaryDirectory>& scratch) {
  auto existing = session.existing_store();
  if (existing.has_value() || existing.error().code() != ErrorCode::NotFound) return existing;
  if (!flags.dry_run) return session.named_store();
  MARTLET_TRY_SET(scratch, platform::TemporaryDirectory::create());
  return lifecycle::Store::open(session.host(), scratch->path(), lifecycle::WhenMissing::Create);
}

void show(const Session& session, const lifecycle::ImportReport& report) {
  const Console& console = session.console;
  const auto row = [](std::string what, std::int64_t found, std::int64_t added) {
    return std::vector<std::string>{std::move(what), std::to_string(found), std::to_string(added)};
  };
  console.table(
      {"", "found", report.rehearsed ? "would be added" : "added"},
      {row("experiments", report.experiments_found, report.experiments_added),
       row("runs", report.runs_found, report.added.runs),
       row("metric points", report.points_found, report.added.points),
       row("artifacts", report.artifacts_found, report.added.artifacts),
       row("logged models", report.logged_models_found, report.logged_models_added.models),
       row("files of logged models", report.model_files_found, report.logged_models_added.files),
       row("registered models", report.models_found, report.registry_added.models),
       row("model versions", report.versions_found, report.registry_added.versions)});
  console.print(fmt::format(
      "{} params, {} tags, {} datasets, {} bytes of artifacts; of logged models {} params, {} "
      "tags, "
      "{} metrics, {} bytes of files; of registered models {} tags, {} aliases",
      report.added.params, report.added.tags, report.added.inputs, report.artifact_bytes_added,
      report.logged_models_added.params, report.logged_models_added.tags,
      report.logged_models_added.metrics, report.model_file_bytes_added, report.registry_added.tags,
      report.registry_added.aliases));
  for (const Finding& finding : report.findings)
    console.complain(console.yellow("left out: ") + finding.path + ": " + finding.message);
}

}  // namespace

void add_runs_import(CLI::App& runs, Session& session) {
  CLI::App* verb = runs.add_subcommand(
      "import", "Takes over an MLflow store: experiments, runs, logged models, registered "
                "models");
  auto flags = std::make_shared<ImportFlags>();
  verb->add_option("source", flags->source,
                   "a folder (mlruns), a database (mlflow.db, sqlite:///PATH) or a server "
                   "(http://HOST:PORT)")
      ->required();
  verb->add_option("--experiment", flags->experiments,
                   "only this one, by name, without registered models; may be given repeatedly")
      ->allow_extra_args(false);
  verb->add_option("--artifacts", flags->artifacts,
                   "the folder that holds its artifacts, where that isn't beside it");
  verb->add_flag("--no-artifacts", flags->no_artifacts, "leave artifacts out");
  verb->add_flag("--dry-run", flags->dry_run, "says what would be added, and adds nothing");
  verb->footer("Example:\n  martlet runs import mlruns --dry-run");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      std::optional<platform::TemporaryDirectory> scratch;
      MARTLET_TRY_SET(const auto store, store_for(session, *flags, scratch));
      lifecycle::ImportRequest request = request_of(*flags);
      const Interrupt interrupt(request.cancel);
      std::int64_t told = 0;
      request.on_progress = [&](const lifecycle::ImportProgress& progress) {
        constexpr std::int64_t kEvery = 500;
        if (progress.runs < told + kEvery) return;
        told = progress.runs;
        session.console.note(
            fmt::format("{} runs, in experiment {}", progress.runs, progress.experiment));
      };
      MARTLET_TRY_SET(const lifecycle::ImportReport report,
                      lifecycle::import_runs(*store, request));
      session.console.print_json(lifecycle::to_json(report, flags->source));
      show(session, report);
      return report.findings.empty() ? kSuccess : kWorkFailed;
    };
  });
}

}  // namespace martlet::cli
