// monitor: what the loop of a deployment has recorded: windows, alerts, drift, turns of retraining.
#include "base/quantity.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "lifecycle/live_loop.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace martlet::cli {

namespace {

struct MonitorFlags {
  std::string environment = "experiment";
  std::string window;
  std::int64_t limit = 20;
};

std::shared_ptr<MonitorFlags> add_flags(CLI::App& verb) {
  auto flags = std::make_shared<MonitorFlags>();
  verb.add_option("--env", flags->environment, "whose deployment")->capture_default_str();
  verb.add_option("--window", flags->window, "only windows of this length, such as 1d");
  verb.add_option("--limit", flags->limit, "how many windows and turns")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  return flags;
}

struct Watched {
  lifecycle::Project project;
  std::string model;  // live; "" when none is
  monitoring::DeploymentHistory history;
};

Result<Watched> look(Session& session, const MonitorFlags& flags) {
  MARTLET_TRY_SET(const registry::Environment environment,
                  registry::parse_environment(flags.environment));
  MARTLET_TRY_SET(lifecycle::Project project, session.project());
  MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Refuse));
  std::optional<Duration> length;
  if (!flags.window.empty()) {
    MARTLET_TRY_SET(length, parse_duration(flags.window));
  }
  MARTLET_TRY_SET(lifecycle::WatchedDeployment watched,
                  lifecycle::look_at_deployment(*store, project, environment, flags.limit, length));
  return Watched{std::move(project), std::move(watched.model), std::move(watched.history)};
}

template <class Record>
Json list_of(const std::vector<Record>& records) {
  Json list = Json::array();
  for (const Record& record : records) list.push_back(monitoring::to_json(record));
  return list;
}

// "gain 3.2, ranking 0.81"
std::string kpi_text(const Json& report) {
  std::string text;
  for (const Json& kpi : report.value("kpis", Json::array())) {
    text += (text.empty() ? "" : ", ") + kpi.value("name", std::string()) + " " +
            number_text(kpi.value("value", Json(nullptr)));
  }
  return text;
}

Json drift_of(const Json& report) { return report.value("drift", Json::object()); }

void show_windows(const Session& session, const monitoring::DeploymentHistory& history) {
  std::vector<std::vector<std::string>> rows;
  for (const monitoring::WindowRecord& window : history.windows) {
    rows.push_back({to_text(window.begin), to_text(Duration(window.length_micros)),
                    number_text(window.report.value("rows", Json(nullptr))),
                    number_text(window.report.value("truth_rows", Json(nullptr))),
                    kpi_text(window.report),
                    number_text(drift_of(window.report).value("share_drifted", Json(nullptr))),
                    number_text(window.report.value("p99_ms", Json(nullptr)))});
  }
  session.console.table(
      {"window", "length", "rows", "with truth", "kpis", "share drifted", "p99 ms"}, rows);
}

void show_turns(const Session& session, const monitoring::DeploymentHistory& history) {
  std::vector<std::vector<std::string>> rows;
  for (const monitoring::RetrainRecord& turn : history.turns) {
    rows.push_back(
        {to_text(turn.at), turn.trigger, turn.decision, turn.champion, turn.challenger, turn.why});
  }
  session.console.table({"turn", "asked by", "decision", "champion", "challenger", "why"}, rows);
}

void show_alerts(const Session& session, const Watched& watched) {
  std::vector<std::vector<std::string>> rows;
  for (const monitoring::AlertRule& rule : watched.project.monitoring.alerts) {
    const monitoring::AlertRecord* state = nullptr;
    for (const monitoring::AlertRecord& record : watched.history.alerts) {
      if (record.alert == rule.name) state = &record;
    }
    const bool firing = state != nullptr && state->firing;
    rows.push_back(
        {rule.name, firing ? session.console.red("firing") : "quiet",
         firing && state->since.has_value() ? to_text(*state->since) : "",
         fmt::format("{} of {}", state == nullptr ? 0 : state->holding, rule.for_windows),
         to_text(rule.window), rule.when});
  }
  session.console.table({"alert", "state", "since", "holding", "window", "condition"}, rows);
}

Json alerts_json(const Watched& watched) {
  Json list = Json::array();
  for (const monitoring::AlertRule& rule : watched.project.monitoring.alerts) {
    monitoring::AlertRecord state;
    state.alert = rule.name;
    for (const monitoring::AlertRecord& record : watched.history.alerts) {
      if (record.alert == rule.name) state = record;
    }
    Json item = monitoring::to_json(state);
    item["condition"] = rule.when;
    item["window"] = to_text(rule.window);
    item["severity"] = std::string(monitoring::name_of(rule.severity));
    list.push_back(std::move(item));
  }
  return list;
}

void add_monitor_show(CLI::App& monitor, Session& session) {
  CLI::App* verb = monitor.add_subcommand(
      "show", "The deployment's windows, alerts and turns of retraining, as recorded");
  const auto flags = add_flags(*verb);
  verb->footer("Example:\n  martlet monitor show --window 1d --limit 7");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      MARTLET_TRY_SET(const Watched watched, look(session, *flags));
      const monitoring::DeploymentHistory& history = watched.history;
      session.console.print_json(
          Json{{"deployment", history.deployment},
               {"model", watched.model.empty() ? Json(nullptr) : Json(watched.model)},
               {"since", history.since.has_value() ? Json(to_text(*history.since)) : Json(nullptr)},
               {"truths", history.truths},
               {"windows", list_of(history.windows)},
               {"alerts", alerts_json(watched)},
               {"turns", list_of(history.turns)},
               {"webhooks", list_of(history.webhooks)}});
      session.console.print(fmt::format(
          "{}: {} is live; {}; {} truths known", history.deployment,
          watched.model.empty() ? "nothing" : watched.model,
          history.since.has_value()
              ? "watched since " + to_text(*history.since)
              : "not watched yet: `martlet serve` does so, if the project has a monitoring section",
          history.truths));
      show_windows(session, history);
      show_alerts(session, watched);
      show_turns(session, history);
      return kSuccess;
    };
  });
}

void add_monitor_alerts(CLI::App& monitor, Session& session) {
  CLI::App* verb = monitor.add_subcommand("alerts", "The alerts and which of them fire");
  const auto flags = add_flags(*verb);
  verb->footer("Exit status 1 while one fires.\nExample:\n  martlet monitor alerts");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      MARTLET_TRY_SET(const Watched watched, look(session, *flags));
      const Json alerts = alerts_json(watched);
      session.console.print_json(alerts);
      show_alerts(session, watched);
      for (const Json& alert : alerts) {
        if (alert["firing"].get<bool>()) return kWorkFailed;
      }
      return kSuccess;
    };
  });
}

void add_monitor_drift(CLI::App& monitor, Session& session) {
  CLI::App* verb = monitor.add_subcommand(
      "drift", "How far the newest judged window is from what the live model learnt from");
  const auto flags = add_flags(*verb);
  verb->footer("Example:\n  martlet monitor drift --window 1d");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      MARTLET_TRY_SET(const Watched watched, look(session, *flags));
      for (const monitoring::WindowRecord& window : watched.history.windows) {
        const Json drift = drift_of(window.report);
        if (!drift.value("sufficient", false)) continue;
        Json json{{"from", to_text(window.begin)}, {"to", to_text(window.end)}};
        json.update(drift);
        session.console.print_json(json);
        std::vector<std::vector<std::string>> rows;
        for (const Json& column : drift.value("columns", Json::array())) {
          rows.push_back({column.value("name", std::string()),
                          number_text(column.value("psi", Json(nullptr))),
                          number_text(column.value("p", Json(nullptr))),
                          column.value("drifted", false) ? session.console.red("drifted") : ""});
        }
        session.console.print(fmt::format("window {} to {}: share drifted {}",
                                          to_text(window.begin), to_text(window.end),
                                          number_text(drift.value("share_drifted", Json()))));
        session.console.table({"column", "psi", "p", ""}, rows);
        return kSuccess;
      }
      return not_found("no judged window of " + watched.history.deployment +
                       " has enough rows to speak of drift; raise --limit to look further back");
    };
  });
}

}  // namespace

void add_monitor(CLI::App& app, Session& session) {
  CLI::App* verb =
      app.add_subcommand("monitor", "What a deployment predicted, how good it was, what was done");
  verb->require_subcommand(1);
  verb->fallthrough();
  add_monitor_show(*verb, session);
  add_monitor_alerts(*verb, session);
  add_monitor_drift(*verb, session);
  add_monitor_truth(*verb, session);
  add_monitor_tick(*verb, session);
}

}  // namespace martlet::cli
