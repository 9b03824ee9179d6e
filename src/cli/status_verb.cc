// status, ps, logs, explain: pipeline runs and their steps.
#include "cli/run_view.h"
#include "cli/verbs.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <iostream>

namespace martlet::cli {

namespace {

std::vector<std::vector<std::string>> step_rows(const Session& session,
                                                const workflow::RunOutcome& outcome) {
  std::vector<std::vector<std::string>> rows;
  for (const workflow::StepRecord& step : outcome.steps) {
    const std::string status(workflow::name_of(step.step_status()));
    rows.push_back({step.name, status == "failed" ? session.console.red(status) : status,
                    fmt::format("{:.2f}", step.seconds), std::to_string(step.attempt),
                    step.error.empty() ? step.explanation : step.error});
  }
  return rows;
}

std::shared_ptr<std::string> run_argument(CLI::App& verb) {
  auto id = std::make_shared<std::string>("latest");
  verb.add_option("run", *id, "the run's id or the beginning of it")->capture_default_str();
  return id;
}

}  // namespace

void add_status(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("status", "A run and its steps");
  const auto id = run_argument(*verb);
  verb->footer("Example:\n  martlet status");
  verb->callback([&session, id] {
    session.action = [&session, id]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const RunId run, lifecycle::find_run(*store, *id));
      MARTLET_TRY_SET(const lifecycle::RunReport report, lifecycle::look_at_run(*store, run));
      session.console.print_json(report.json);
      session.console.print(fmt::format("run {}  {}  begun {}", run.text(),
                                        workflow::name_of(report.outcome.run.run_status()),
                                        to_text(report.outcome.run.created)));
      session.console.table({"step", "status", "seconds", "attempts", "why"},
                            step_rows(session, report.outcome));
      return kSuccess;
    };
  });
}

void add_explain(CLI::App& app, Session& session) {
  CLI::App* verb =
      app.add_subcommand("explain", "Why a step was computed, or taken from the cache");
  auto step = std::make_shared<std::string>();
  verb->add_option("step", *step, "the step's name")->required();
  const auto id = run_argument(*verb);
  verb->footer("Example:\n  martlet explain train:lightgbm");
  verb->callback([&session, id, step] {
    session.action = [&session, id, step]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const RunId run, lifecycle::find_run(*store, *id));
      MARTLET_TRY_SET(const lifecycle::RunReport report, lifecycle::look_at_run(*store, run));
      for (const workflow::StepRecord& record : report.outcome.steps) {
        if (record.name != *step) continue;
        session.console.print_json(
            Json{{"step", record.name},
                 {"key", record.key},
                 {"status", std::string(workflow::name_of(record.step_status()))},
                 {"why", record.explanation}});
        session.console.print(record.name + ": " + record.explanation);
        return kSuccess;
      }
      return not_found("run " + run.text() + " has no step \"" + *step +
                       "\"; `martlet status` lists them");
    };
  });
}

void add_ps(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("ps", "The latest runs");
  auto limit = std::make_shared<std::int64_t>(20);
  verb->add_option("--limit", *limit, "how many")->capture_default_str();
  verb->footer("Example:\n  martlet ps");
  verb->callback([&session, limit] {
    session.action = [&session, limit]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const auto runs, lifecycle::list_runs(*store, *limit));
      Json json = Json::array();
      std::vector<std::vector<std::string>> rows;
      for (const workflow::PipelineRunRecord& run : runs) {
        const std::string status(workflow::name_of(run.run_status()));
        const std::string ended = run.ended.has_value() ? to_text(*run.ended) : "";
        json.push_back(Json{{"run", run.id.text()},
                            {"pipeline", run.pipeline},
                            {"status", status},
                            {"created", to_text(run.created)},
                            {"ended", run.ended.has_value() ? Json(ended) : Json(nullptr)},
                            {"error", run.error}});
        rows.push_back({run.id.text(), run.pipeline, status, to_text(run.created), ended});
      }
      session.console.print_json(json);
      session.console.table({"run", "pipeline", "status", "begun", "ended"}, rows);
      return kSuccess;
    };
  });
}

void add_logs(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("logs", "What the steps of a run said");
  const auto id = run_argument(*verb);
  auto step = std::make_shared<std::string>();
  verb->add_option("--step", *step, "only this step");
  verb->footer("Example:\n  martlet logs --step train:lightgbm");
  verb->callback([&session, id, step] {
    session.action = [&session, id, step]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const RunId run, lifecycle::find_run(*store, *id));
      std::vector<std::string> steps{*step};
      if (step->empty()) {
        steps.clear();
        MARTLET_TRY_SET(const lifecycle::RunReport report, lifecycle::look_at_run(*store, run));
        for (const workflow::StepRecord& record : report.outcome.steps)
          steps.push_back(record.name);
      }
      Json json = Json::object();
      for (const std::string& name : steps) {
        MARTLET_TRY_SET(const std::string text, lifecycle::log_of_step(*store, run, name));
        json[name] = text;
        if (text.empty()) continue;
        session.console.print(session.console.bold(name));
        session.console.print(text.substr(0, text.size() - 1));
      }
      session.console.print_json(json);
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli
