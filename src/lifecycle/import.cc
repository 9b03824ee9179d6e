#include "lifecycle/import.h"

#include "artifacts/blob_store.h"
#include "base/text.h"
#include "lifecycle/internal/import_source.h"
#include "lifecycle/internal/version_places.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::lifecycle {

namespace {

using tracking::Experiment;
using tracking::ImportMode;

// What an import leaves out by the thousand is told by the thousand, but not by the million.
constexpr std::size_t kMaxFindings = 10'000;

bool is_url(const std::string& source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

Result<std::unique_ptr<ImportSource>> open_source(FileSystem& files, const ImportRequest& request,
                                                  Findings& findings) {
  const std::string& source = request.source;
  if (is_url(source)) return open_server_source(request, findings);
  if (source.starts_with("sqlite:")) return open_database_source(request, findings);
  if (const std::size_t scheme = source.find("://");
      scheme != std::string::npos && !source.starts_with("file://")) {
    return invalid_argument(fmt::format(
        "importing {}: stores of the kind \"{}\" can't be read directly; start `mlflow server` on "
        "it and import from that (http://HOST:PORT)",
        source, source.substr(0, scheme)));
  }
  ImportRequest plain = request;
  if (source.starts_with("file://")) plain.source = source.substr(7);
  const auto status = files.status(plain.source);
  if (!status.has_value())
    return fail(Error(status.error()).with_context("importing " + plain.source));
  return status->kind == FileKind::Directory ? open_file_source(files, plain, findings)
                                             : open_database_source(plain, findings);
}

class Import {
 public:
  Import(const Store& store, const ImportRequest& request, ImportReport& made)
      : store_(store), request_(request), report_(made),
        importer_(store.database(), store.host().clock, request.mode),
        models_(store.database(), store.host().clock, request.mode),
        registry_(store.database(), store.host().clock,
                  request.mode == ImportMode::Write ? registry::RegistryImportMode::Write
                                                    : registry::RegistryImportMode::Rehearse) {}

  Result<void> all(ImportSource& source) {
    report_.kind = source.kind();
    MARTLET_TRY_SET(std::vector<Experiment> experiments, source.experiments());
    MARTLET_TRY(choose(experiments));
    // Those with the smaller numbers first, so that ids stay where they can.
    std::stable_sort(
        experiments.begin(), experiments.end(), [](const Experiment& a, const Experiment& b) {
          return a.id.text().size() != b.id.text().size() ? a.id.text().size() < b.id.text().size()
                                                          : a.id < b.id;
        });
    for (const Experiment& experiment : experiments) MARTLET_TRY(one(source, experiment));
    if (request_.experiments.empty()) MARTLET_TRY(all_registered(source));
    return source.look_for_more();
  }

 private:
  Result<void> choose(std::vector<Experiment>& experiments) const {
    if (request_.experiments.empty()) return {};
    std::vector<std::string> names;
    for (const Experiment& experiment : experiments) names.push_back(experiment.name);
    for (const std::string& wanted : request_.experiments) {
      if (std::find(names.begin(), names.end(), wanted) == names.end())
        return not_found(fmt::format("importing {}: it has no experiment \"{}\"{}", request_.source,
                                     wanted, did_you_mean(wanted, names)));
    }
    std::erase_if(experiments, [&](const Experiment& experiment) {
      return std::find(request_.experiments.begin(), request_.experiments.end(), experiment.name) ==
             request_.experiments.end();
    });
    return {};
  }

  Result<void> one(ImportSource& source, const Experiment& experiment) {
    MARTLET_TRY(check_cancelled());
    ++report_.experiments_found;
    const auto placed = importer_.experiment(experiment);
    if (!placed.has_value()) {
      if (placed.error().code() != ErrorCode::InvalidArgument) return fail(Error(placed.error()));
      add_finding(report_.findings, "experiment " + experiment.id.text(), "bad_name",
                  placed.error().message() + "; it was left out with its runs");
      return {};
    }
    report_.experiments_added += placed->added ? 1 : 0;
    MARTLET_TRY(source.for_each_run(experiment, [&](const SourceRun& run) -> Result<void> {
      MARTLET_TRY(check_cancelled());
      ++report_.runs_found;
      if (request_.on_progress) request_.on_progress({experiment.name, report_.runs_found});
      return one_run(source, experiment, run, placed->id);
    }));
    return source.for_each_logged_model(experiment,
                                        [&](const SourceLoggedModel& model) -> Result<void> {
                                          MARTLET_TRY(check_cancelled());
                                          ++report_.logged_models_found;
                                          return one_logged_model(source, model, placed->id);
                                        });
  }

  Result<void> one_run(ImportSource& source, const Experiment& of, const SourceRun& run,
                       const ExperimentId& experiment) {
    tracking::Run theirs = run.run;
    // MLflow brings all runs back with their experiment.
    if (of.deleted.has_value() && theirs.lifecycle == tracking::Lifecycle::Deleted)
      theirs.deleted = of.deleted;
    theirs.facts["imported"] = Json{{"from", std::string(source.kind())},
                                    {"experiment", run.run.experiment.text()},
                                    {"artifact_uri", run.owner.artifact_uri}};
    const auto begun = importer_.begin_run(theirs, experiment, report_.findings);
    if (!begun.has_value()) {
      if (begun.error().code() != ErrorCode::Conflict) return fail(Error(begun.error()));
      add_finding(report_.findings, "run " + run.run.id.text(), "run_differs",
                  begun.error().message() + "; it was left out");
      return {};
    }
    report_.added += *begun;
    places_.add(run.owner, experiment);
    MARTLET_TRY(
        source.for_each_points(run, [&](std::span<const tracking::Metric> points) -> Result<void> {
          MARTLET_TRY(check_cancelled());
          report_.points_found += std::ssize(points);
          MARTLET_TRY_SET(const tracking::ImportTally tally,
                          importer_.add_points(points, report_.findings));
          report_.added += tally;
          return {};
        }));
    MARTLET_TRY(copy_artifacts(
        source, run.owner, [&](const std::string& path) { return importer_.artifact_size(path); },
        [&](const tracking::Artifact& artifact) -> Result<void> {
          MARTLET_TRY_SET(const tracking::ImportTally tally, importer_.add_artifact(artifact));
          report_.added += tally;
          return {};
        },
        report_.artifacts_found, report_.artifact_bytes_added));
    return bound_findings();
  }

  Result<void> one_logged_model(ImportSource& source, const SourceLoggedModel& model,
                                const ExperimentId& experiment) {
    const auto begun = models_.begin_model(model.model, experiment, report_.findings);
    if (!begun.has_value()) {
      const bool conflict = begun.error().code() == ErrorCode::Conflict;
      if (!conflict && begun.error().code() != ErrorCode::InvalidArgument)
        return fail(Error(begun.error()));
      add_finding(report_.findings, model.owner.told(),
                  conflict ? "logged_model_differs" : "bad_model",
                  begun.error().message() + "; it was left out");
      return {};
    }
    report_.logged_models_added += *begun;
    places_.add(model.owner, experiment);
    MARTLET_TRY(copy_artifacts(
        source, model.owner, [&](const std::string& path) { return models_.file_size(path); },
        [&](const tracking::Artifact& artifact) -> Result<void> {
          MARTLET_TRY_SET(const tracking::LoggedModelTally tally, models_.add_file(artifact));
          report_.logged_models_added += tally;
          return {};
        },
        report_.model_files_found, report_.model_file_bytes_added));
    return bound_findings();
  }

  Result<void> all_registered(ImportSource& source) {
    return source.for_each_registered_model(
        [&](const SourceRegisteredModel& model) -> Result<void> {
          MARTLET_TRY(check_cancelled());
          ++report_.models_found;
          std::vector<registry::ModelVersion> versions;
          for (const SourceVersion& version : model.versions) {
            ++report_.versions_found;
            auto placed = places_.placed(version, model.model.tags);
            if (placed.has_value()) {
              versions.push_back(std::move(*placed));
            } else {
              add_finding(report_.findings,
                          "version " +
                              registry::to_text(version.version.model, version.version.version),
                          "bad_source", placed.error().message() + "; it was left out");
            }
          }
          const auto added = registry_.add(model.model, versions, report_.findings);
          if (!added.has_value()) {
            if (added.error().code() != ErrorCode::Conflict) return fail(Error(added.error()));
            add_finding(report_.findings, "model " + model.model.name.text(), "model_differs",
                        added.error().message() + "; it was left out");
            return {};
          }
          report_.registry_added += *added;
          return bound_findings();
        });
  }

  // Those that aren't here, by `size_here`; each is handed to `add` once it is stored.
  Result<void> copy_artifacts(
      ImportSource& source, const SourceOwner& owner,
      const std::function<Result<std::optional<std::int64_t>>(const std::string&)>& size_here,
      const std::function<Result<void>(const tracking::Artifact&)>& add, std::int64_t& found,
      std::int64_t& bytes) {
    if (request_.artifacts == ImportArtifacts::Leave) return {};
    MARTLET_TRY_SET(const std::vector<SourceArtifact> artifacts, source.artifacts(owner));
    for (const SourceArtifact& artifact : artifacts) {
      MARTLET_TRY(check_cancelled());
      ++found;
      const std::string whole =
          fmt::format("{} artifact {}", owner.told(), artifact.path.substr(0, 200));
      MARTLET_TRY_SET(const std::optional<std::int64_t> kept, size_here(artifact.path));
      if (kept.has_value()) {
        if (*kept != artifact.size_bytes)
          add_finding(report_.findings, whole, "artifact_differs",
                      fmt::format("it has {} bytes there and {} here, which were kept",
                                  artifact.size_bytes, *kept));
        continue;
      }
      tracking::Artifact stored{artifact.path, {}, artifact.size_bytes, {}};
      if (request_.mode == ImportMode::Write) {
        auto fetched = source.fetch(owner, artifact, store_.blobs());
        if (!fetched.has_value()) {
          const ErrorCode code = fetched.error().code();
          // Our disk is full, or the person wants an end; all else is about this one artifact.
          if (code == ErrorCode::Cancelled || code == ErrorCode::ResourceExhausted)
            return fail(std::move(fetched).error());
          add_finding(report_.findings, whole, "artifact_unreadable", fetched.error().message());
          continue;
        }
        stored = std::move(*fetched);
      }
      MARTLET_TRY(add(stored));
      bytes += stored.size_bytes;
    }
    return {};
  }

  Result<void> check_cancelled() const {
    if (!request_.cancel.cancelled()) return {};
    return fail(ErrorCode::Cancelled,
                "the import was interrupted; what was imported stays, the same command goes on");
  }

  Result<void> bound_findings() {
    if (report_.findings.size() <= kMaxFindings) return {};
    return fail(Error(ErrorCode::InvalidArgument,
                      fmt::format("importing {}: more than {} things can't be imported; what was "
                                  "imported stays",
                                  request_.source, kMaxFindings),
                      report_.findings));
  }

  const Store& store_;
  const ImportRequest& request_;
  ImportReport& report_;
  tracking::RunImporter importer_;
  tracking::LoggedModelImporter models_;
  registry::RegistryImporter registry_;
  VersionPlaces places_;
};

}  // namespace

Json to_json(const ImportReport& report, const std::string& source) {
  Json findings = Json::array();
  for (const Finding& finding : report.findings) {
    findings.push_back(
        Json{{"path", finding.path}, {"rule", finding.rule}, {"message", finding.message}});
  }
  return Json{{"source", source},
              {"kind", report.kind},
              {"dry_run", report.rehearsed},
              {"experiments",
               Json{{"found", report.experiments_found}, {"added", report.experiments_added}}},
              {"runs", Json{{"found", report.runs_found}, {"added", report.added.runs}}},
              {"points", Json{{"found", report.points_found}, {"added", report.added.points}}},
              {"params", Json{{"added", report.added.params}}},
              {"tags", Json{{"added", report.added.tags}}},
              {"datasets", Json{{"added", report.added.inputs}}},
              {"artifacts", Json{{"found", report.artifacts_found},
                                 {"added", report.added.artifacts},
                                 {"bytes", report.artifact_bytes_added}}},
              {"logged_models", Json{{"found", report.logged_models_found},
                                     {"added", report.logged_models_added.models},
                                     {"params", report.logged_models_added.params},
                                     {"tags", report.logged_models_added.tags},
                                     {"metrics", report.logged_models_added.metrics}}},
              {"model_files", Json{{"found", report.model_files_found},
                                   {"added", report.logged_models_added.files},
                                   {"bytes", report.model_file_bytes_added}}},
              {"registered_models",
               Json{{"found", report.models_found}, {"added", report.registry_added.models}}},
              {"model_versions",
               Json{{"found", report.versions_found}, {"added", report.registry_added.versions}}},
              {"model_aliases", Json{{"added", report.registry_added.aliases}}},
              {"model_tags", Json{{"added", report.registry_added.tags}}},
              {"findings", std::move(findings)}};
}

Result<ImportReport> import_runs(const Store& store, const ImportRequest& request) {
  ImportReport made;
  made.rehearsed = request.mode == ImportMode::Rehearse;
  MARTLET_TRY_SET(const std::unique_ptr<ImportSource> source,
                  open_source(store.host().files, request, made.findings));
  MARTLET_TRY(Import(store, request, made).all(*source));
  return made;
}

}  // namespace martlet::lifecycle
