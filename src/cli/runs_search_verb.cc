// runs list, runs search: tracked runs, the newest or those that a filter finds.
#include "base/text.h"
#include "cli/runs_verbs.h"
#include "cli/session.h"
#include "lifecycle/run_search.h"
#include "lifecycle/track.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace martlet::cli {

namespace {

std::string tag_of(const tracking::Run& run, std::string_view key) {
  const auto found = run.tags.find(std::string(key));
  return found == run.tags.end() ? std::string() : found->second;
}

// Its name; its id when it was made while the runs were read.
std::string experiment_of(const tracking::Run& run, const lifecycle::RunsFound& found) {
  const auto name = found.experiments.find(run.experiment);
  return name == found.experiments.end() ? run.experiment.text() : name->second;
}

Json to_json(const tracking::Run& run, const lifecycle::RunsFound& found) {
  Json metrics = Json::object(), params = Json::object(), tags = Json::object();
  for (const auto& [key, metric] : run.metrics)
    metrics[key] = lifecycle::value_of(run, "metrics." + key);
  for (const auto& [key, value] : run.params) params[key] = value;
  for (const auto& [key, value] : run.tags) tags[key] = value;
  return Json{{"run", run.id.text()},
              {"pipeline_run", tag_of(run, lifecycle::kPipelineRunTag)},
              {"name", run.name},
              {"experiment", experiment_of(run, found)},
              {"user", run.user},
              {"status", std::string(tracking::name_of(run.status))},
              {"lifecycle", std::string(tracking::name_of(run.lifecycle))},
              {"started", to_text(run.started)},
              {"ended", run.ended.has_value() ? Json(to_text(*run.ended)) : Json(nullptr)},
              {"verdict", tag_of(run, "martlet.verdict")},
              {"metrics", std::move(metrics)},
              {"params", std::move(params)},
              {"tags", std::move(tags)}};
}

Json to_json(const lifecycle::RunsFound& found) {
  Json json = Json::array();
  for (const tracking::Run& run : found.runs) json.push_back(to_json(run, found));
  return json;
}

std::string kpis_of(const tracking::Run& run) {
  std::string kpis;
  for (const auto& [key, metric] : run.metrics) {
    if (key.starts_with("kpi."))
      kpis += (kpis.empty() ? "" : ", ") + key.substr(4) + " " + number_text(metric.value);
  }
  return kpis;
}

// One line of a cell, of bounded length.
std::string cell_text(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_number()) return number_text(value);
  std::string text = value.get<std::string>();
  std::replace(text.begin(), text.end(), '\n', ' ');
  constexpr std::size_t kMost = 40;
  if (text.size() <= kMost) return text;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

void tell_of_more(const Console& console, const lifecycle::RunsFound& found) {
  if (found.more)
    console.note(
        fmt::format("there are more than these {}; --limit N shows them", found.runs.size()));
}

void show_list(const Session& session, const lifecycle::RunsFound& found) {
  std::vector<std::vector<std::string>> rows;
  for (const tracking::Run& run : found.runs) {
    rows.push_back({run.id.text(), run.name, experiment_of(run, found),
                    std::string(tracking::name_of(run.status)), to_text(run.started),
                    tag_of(run, "martlet.verdict"), kpis_of(run)});
  }
  session.console.table({"run", "name", "experiment", "status", "started", "verdict", "kpis"},
                        rows);
  tell_of_more(session.console, found);
}

void show_found(const Session& session, const lifecycle::RunsFound& found) {
  std::vector<std::string> header{"run", "name", "experiment", "status", "started"};
  header.insert(header.end(), found.columns.begin(), found.columns.end());
  std::vector<std::vector<std::string>> rows;
  for (const tracking::Run& run : found.runs) {
    std::vector<std::string> row{run.id.text(), run.name, experiment_of(run, found),
                                 std::string(tracking::name_of(run.status)), to_text(run.started)};
    for (const std::string& column : found.columns)
      row.push_back(cell_text(lifecycle::value_of(run, column)));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) {
    session.console.print("no run is like that");
  } else {
    session.console.table(header, rows);
  }
  tell_of_more(session.console, found);
}

// The filter with a caret under the place that can't be understood.
void point_at_place(const Session& session, const std::string& filter, const Error& error) {
  if (session.console.json || error.findings().size() != 1) return;
  const Finding& place = error.findings().front();
  if (place.path != "filter" || place.column < 1 || filter.find('\n') != std::string::npos) return;
  const std::string_view before =
      std::string_view(filter).substr(0, static_cast<std::size_t>(place.column) - 1);
  const std::size_t width = character_count(before);
  session.console.complain("  " + filter);
  session.console.complain("  " + std::string(width, ' ') + "^");
}

void add_limit(CLI::App& verb, std::int64_t& limit) {
  verb.add_option("--limit", limit, "how many; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

}  // namespace

void add_runs_list(CLI::App& runs, Session& session) {
  CLI::App* verb = runs.add_subcommand("list", "Tracked runs, newest first");
  auto query = std::make_shared<lifecycle::RunQuery>();
  query->limit = 20;
  add_limit(*verb, query->limit);
  verb->add_option("--experiment", query->experiments, "only of this one; may be given repeatedly")
      ->allow_extra_args(false);
  verb->footer("Example:\n  martlet runs list --experiment flight-delay");
  verb->callback([&session, query] {
    session.action = [&session, query]() -> Result<int> {
      MARTLET_TRY_SET(const auto store, session.existing_store());
      MARTLET_TRY_SET(const lifecycle::RunsFound found, lifecycle::find_runs_by(*store, *query));
      session.console.print_json(to_json(found));
      show_list(session, found);
      return kSuccess;
    };
  });
}

void add_runs_search(CLI::App& runs, Session& session) {
  CLI::App* verb = runs.add_subcommand("search", "Tracked runs that a filter finds");
  struct Flags {
    lifecycle::RunQuery query;
    std::string view = "active";
  };
  auto flags = std::make_shared<Flags>();
  verb->add_option("filter", flags->query.filter,
                   "clauses joined by AND over metrics.KEY, params.KEY, tags.KEY, datasets.name "
                   "and attributes such as status and start_time; none: all runs");
  verb->add_option("--order-by", flags->query.order_by,
                   "\"metrics.auc DESC\"; may be given repeatedly; default: newest first")
      ->allow_extra_args(false);
  verb->add_option("--experiment", flags->query.experiments,
                   "only of this one; may be given repeatedly")
      ->allow_extra_args(false);
  verb->add_option("--view", flags->view, "active, deleted or all")
      ->check(CLI::IsMember({"active", "deleted", "all"}))
      ->capture_default_str();
  add_limit(*verb, flags->query.limit);
  verb->footer("Example:\n  martlet runs search \"metrics.auc > 0.9 and tags.team = 'a'\" "
               "--order-by \"metrics.auc DESC\"");
  verb->callback([&session, flags] {
    session.action = [&session, flags]() -> Result<int> {
      flags->query.view = flags->view == "deleted" ? tracking::View::Deleted
                          : flags->view == "all"   ? tracking::View::All
                                                   : tracking::View::Active;
      MARTLET_TRY_SET(const auto store, session.existing_store());
      auto found = lifecycle::find_runs_by(*store, flags->query);
      if (!found.has_value()) {
        point_at_place(session, flags->query.filter, found.error());
        return fail(std::move(found).error());
      }
      session.console.print_json(to_json(*found));
      show_found(session, *found);
      return kSuccess;
    };
  });
}

}  // namespace martlet::cli
