// runs: the experiments' runs: shown, compared, and reported; the other verbs have files of their
// own.
#include "cli/report_file.h"
#include "cli/runs_verbs.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/comparison.h"
#include "lifecycle/run_report.h"
#include "lifecycle/run_search.h"
#include "lifecycle/track.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

void add_runs_show(CLI::App& runs, Session& session) {
  CLI::App* verb = runs.add_subcommand(
      "show", "One tracked run: params, metrics, inputs, artifacts, what it ran on");
  auto id = std::make_shared<std::string>();
  verb->add_option("run", *id, "its id, its pipeline run's id (or the beginning of it), or latest")
      ->required();
  verb->footer("Example:\n  martlet runs show 0190…");
  verb->callback([&session, id] {
    session.action = [&session, id]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const tracking::Run run, lifecycle::find_tracked_run(*store, *id));
      Json params = Json::object(), metrics = Json::object(), tags = Json::object(),
           inputs = Json::array(), artifacts = Json::array();
      for (const auto& [key, value] : run.params) params[key] = value;
      for (const auto& [key, metric] : run.metrics) metrics[key] = number_or_null(metric.value);
      for (const auto& [key, value] : run.tags) tags[key] = value;
      for (const tracking::DatasetInput& input : run.inputs) {
        inputs.push_back(
            Json{{"name", input.name}, {"digest", input.digest}, {"context", input.context}});
      }
      for (const tracking::Artifact& artifact : run.artifacts) {
        artifacts.push_back(Json{{"path", artifact.path},
                                 {"digest", artifact.digest.text()},
                                 {"size_bytes", artifact.size_bytes}});
      }
      const auto note = run.tags.find(std::string(lifecycle::kNoteTag));
      const Json json{{"run", run.id.text()},
                      {"name", run.name},
                      {"experiment", run.experiment.text()},
                      {"status", std::string(tracking::name_of(run.status))},
                      {"lifecycle", std::string(tracking::name_of(run.lifecycle))},
                      {"started", to_text(run.started)},
                      {"ended", run.ended.has_value() ? Json(to_text(*run.ended)) : Json(nullptr)},
                      {"note", note == run.tags.end() ? Json(nullptr) : Json(note->second)},
                      {"params", params},
                      {"metrics", metrics},
                      {"tags", tags},
                      {"inputs", inputs},
                      {"artifacts", artifacts},
                      {"facts", run.facts}};
      session.console.print_json(json);
      session.console.print(to_pretty_text(json));
      return kSuccess;
    };
  });
}

// A difference as people read it: "+0.5", "" when there is none.
std::string difference_text(const lifecycle::Comparison::Line& line) {
  if (!line.difference.has_value() || *line.difference == 0) return "";
  return (*line.difference > 0 ? "+" : "") + number_text(*line.difference);
}

// Digests as their beginning; --json has the whole.
std::string value_text(const Json& value) {
  if (value.is_string()) {
    const auto digest = Digest::parse(value.get<std::string>());
    return digest.has_value() ? digest->short_text() : value.get<std::string>();
  }
  if (value.is_number_float()) return number_text(value.get<double>());
  return value.is_null() ? "-" : to_text(value);
}

void show_comparison(const Session& session, const lifecycle::Comparison& comparison, bool all) {
  std::vector<std::vector<std::string>> rows;
  std::size_t alike = 0;
  for (const lifecycle::Comparison::Line& line : comparison.lines) {
    if (line.equal) ++alike;
    if (line.equal && !all) continue;
    rows.push_back({line.kind, line.key, value_text(line.first), value_text(line.second),
                    difference_text(line)});
  }
  const Console& console = session.console;
  if (!rows.empty()) console.table({"kind", "key", "first", "second", "difference"}, rows);
  if (alike == comparison.lines.size()) {
    console.print("the runs are alike");
  } else if (!all) {
    console.print(fmt::format("{} more are alike; --all shows them", alike));
  }
}

struct CompareFlags {
  std::string first, second, report;
  bool all = false;
};

void add_runs_compare(CLI::App& runs, Session& session) {
  CLI::App* verb = runs.add_subcommand(
      "compare", "Two runs side by side: params, metrics, datasets, gates, what they ran on");
  auto flags = std::make_shared<CompareFlags>();
  verb->add_option("first", flags->first, "a run's id, or the beginning of its pipeline run's id")
      ->required();
  verb->add_option("second", flags->second, "another's")->required();
  verb->add_flag("--all", flags->all, "also what is alike");
  verb->add_option("--report", flags->report,
                   "write a report with the curves of both to this file (.html or .md)");
  verb->footer("Example:\n  martlet runs compare 0190… 0191… --report both.html");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const lifecycle::Comparison comparison,
                      lifecycle::compare_runs(*store, flags->first, flags->second));
      Json json = lifecycle::to_json(comparison);
      if (!flags->report.empty()) {
        MARTLET_TRY_SET(const ReportFormat format, report_format("", flags->report));
        MARTLET_TRY_SET(
            const WrittenReport written,
            write_report(session, lifecycle::report_of(comparison), flags->report, format));
        json["report"] = written.to_json();
        session.console.note("report: " + written.file);
      }
      session.console.print_json(json);
      show_comparison(session, comparison, flags->all);
      return kSuccess;
    };
  });
}

struct ReportFlags {
  std::string run = "latest";
  std::string output, format;
};

void add_runs_report(CLI::App& runs, Session& session) {
  CLI::App* verb = runs.add_subcommand(
      "report", "One run as a document: contract, KPIs, gates, curves, data, lineage");
  auto flags = std::make_shared<ReportFlags>();
  verb->add_option("run", flags->run,
                   "its id, its pipeline run's id (or the beginning of it), or latest")
      ->capture_default_str();
  verb->add_option("--output", flags->output, "the file; - for stdout; default: report-RUN.html");
  verb->add_option("--format", flags->format, "html or markdown; default: by the file's ending")
      ->check(CLI::IsMember({"html", "markdown"}));
  verb->footer("Example:\n  martlet runs report latest --output report.html");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      MARTLET_TRY_SET(const ReportFormat format, report_format(flags->format, flags->output));
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const RunId run, lifecycle::find_run(*store, flags->run));
      MARTLET_TRY_SET(const lifecycle::Dossier dossier, lifecycle::gather_dossier(*store, run));
      std::string file = flags->output;
      if (file.empty())
        file = "report-" + run.text() + (format == ReportFormat::Html ? ".html" : ".md");
      MARTLET_TRY_SET(const WrittenReport written,
                      write_report(session, lifecycle::report_of_run(dossier), file, format));
      Json json = written.to_json();
      json["run"] = run.text();
      session.console.print_json(json);
      if (file != "-") session.console.print("report: " + file);
      return kSuccess;
    };
  });
}

}  // namespace

void add_runs(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("runs", "Experiments and their runs");
  verb->require_subcommand(1);
  verb->fallthrough();
  add_runs_list(*verb, session);
  add_runs_search(*verb, session);
  add_runs_show(*verb, session);
  add_runs_compare(*verb, session);
  add_runs_report(*verb, session);
  add_runs_note(*verb, session);
  add_runs_import(*verb, session);
}

}  // namespace martlet::cli
