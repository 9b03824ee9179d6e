#include "lifecycle/import.h"

#include "artifacts/blob_store.h"
#include "base/text.h"
#include "lifecycle/internal/import_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

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
        importer_(store.database(), store.host().clock, request.mode) {}

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
      report(report_.findings, "experiment " + experiment.id.text(), "bad_name",
             placed.error().message() + "; it was left out with its runs");
      return {};
    }
    report_.experiments_added += placed->added ? 1 : 0;
    return source.for_each_run(experiment, [&](const SourceRun& run) -> Result<void> {
      MARTLET_TRY(check_cancelled());
      ++report_.runs_found;
      if (request_.on_progress) request_.on_progress({experiment.name, report_.runs_found});
      return one_run(source, run, placed->id);
    });
  }

  Result<void> one_run(ImportSource& source, const SourceRun& run, const ExperimentId& experiment) {
    tracking::Run theirs = run.run;
    theirs.facts["imported"] = Json{{"from", std::string(source.kind())},
                                    {"experiment", run.run.experiment.text()},
                                    {"artifact_uri", run.artifact_uri}};
    const auto begun = importer_.begin_run(theirs, experiment, report_.findings);
    if (!begun.has_value()) {
      if (begun.error().code() != ErrorCode::Conflict) return fail(Error(begun.error()));
      report(report_.findings, "run " + run.run.id.text(), "run_differs",
             begun.error().message() + "; it was left out");
      return {};
    }
    report_.added += *begun;
    MARTLET_TRY(
        source.for_each_points(run, [&](std::span<const tracking::Metric> points) -> Result<void> {
          MARTLET_TRY(check_cancelled());
          report_.points_found += std::ssize(points);
          MARTLET_TRY_SET(const tracking::ImportTally tally,
                          importer_.add_points(points, report_.findings));
          report_.added += tally;
          return {};
        }));
    if (request_.artifacts == ImportArtifacts::Leave) return bound_findings();
    MARTLET_TRY_SET(const std::vector<SourceArtifact> artifacts, source.artifacts(run));
    for (const SourceArtifact& artifact : artifacts)
      MARTLET_TRY(one_artifact(source, run, artifact));
    return bound_findings();
  }

  Result<void> one_artifact(ImportSource& source, const SourceRun& run,
                            const SourceArtifact& artifact) {
    MARTLET_TRY(check_cancelled());
    ++report_.artifacts_found;
    const std::string whole =
        fmt::format("run {} artifact {}", run.run.id.text(), artifact.path.substr(0, 200));
    MARTLET_TRY_SET(const std::optional<std::int64_t> kept, importer_.artifact_size(artifact.path));
    if (kept.has_value()) {
      if (*kept != artifact.size_bytes)
        report(report_.findings, whole, "artifact_differs",
               fmt::format("it has {} bytes there and {} here, which were kept",
                           artifact.size_bytes, *kept));
      return {};
    }
    if (request_.mode == ImportMode::Rehearse) {
      MARTLET_TRY_SET(const tracking::ImportTally tally,
                      importer_.add_artifact({artifact.path, {}, artifact.size_bytes, {}}));
      report_.added += tally;
      report_.artifact_bytes_added += artifact.size_bytes;
      return {};
    }
    const auto fetched = source.fetch(run, artifact, store_.blobs());
    if (!fetched.has_value()) {
      const ErrorCode code = fetched.error().code();
      // Our disk is full, or the person wants an end; all else is about this one artifact.
      if (code == ErrorCode::Cancelled || code == ErrorCode::ResourceExhausted)
        return fail(Error(fetched.error()));
      report(report_.findings, whole, "artifact_unreadable", fetched.error().message());
      return {};
    }
    MARTLET_TRY_SET(const tracking::ImportTally tally, importer_.add_artifact(*fetched));
    report_.added += tally;
    report_.artifact_bytes_added += fetched->size_bytes;
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
};

}  // namespace

void report(Findings& findings, std::string path, std::string_view rule, std::string message) {
  Finding finding;
  finding.path = std::move(path);
  finding.rule = rule;
  finding.message = std::move(message);
  findings.push_back(std::move(finding));
}

std::optional<tracking::RunStatus> mlflow_status(std::string_view text) {
  using tracking::RunStatus;
  struct Known {
    std::string_view name, number;
    RunStatus status;
  };
  // The numbers are the enumeration's in MLflow's protocol.
  constexpr std::array<Known, 5> kKnown{{{"RUNNING", "1", RunStatus::Running},
                                         {"SCHEDULED", "2", RunStatus::Scheduled},
                                         {"FINISHED", "3", RunStatus::Finished},
                                         {"FAILED", "4", RunStatus::Failed},
                                         {"KILLED", "5", RunStatus::Killed}}};
  for (const Known& known : kKnown) {
    if (known.name == text || known.number == text) return known.status;
  }
  return std::nullopt;
}

std::optional<Timestamp> mlflow_time(std::int64_t millis) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1000;
  if (millis > kMost || millis < -kMost) return std::nullopt;
  return Timestamp{millis * 1000};
}

double mlflow_value(double value) {
  constexpr double kMost = std::numeric_limits<double>::max();
  if (value == kMost) return std::numeric_limits<double>::infinity();
  if (value == -kMost) return -std::numeric_limits<double>::infinity();
  return value;
}

bool is_run_id(std::string_view id) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !id.empty() && id.size() <= 256 && id.front() != '-' && id.front() != '_' &&
         std::all_of(id.begin(), id.end(), plain);
}

Json dataset_details(std::string_view source_type, std::string_view source, std::string_view schema,
                     std::string_view profile) {
  Json details{{"source_type", std::string(source_type)}, {"source", std::string(source)}};
  if (!schema.empty()) details["schema"] = std::string(schema);
  if (!profile.empty()) details["profile"] = std::string(profile);
  return details;
}

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
