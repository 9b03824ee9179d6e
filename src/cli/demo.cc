#include "cli/demo.h"

#include "cli/interrupt.h"
#include "cli/report_file.h"
#include "cli/run_view.h"
#include "cli/simulation_view.h"
#include "lifecycle/run_report.h"
#include "lifecycle/serve.h"
#include "lifecycle/simulation_report.h"
#include "net/http_client.h"
#include "net/telemetry.h"
#include "platform/process.h"
#include "platform/real_file_system.h"
#include "server/app.h"

#include <fmt/format.h>

#include <chrono>

namespace martlet::cli {

namespace {

constexpr const char* kFrom =
    "2013-04-01";  // the replay's first model knows January to March; from here …
constexpr const char* kTo = "2014-01-01";  // … to the end of the year
constexpr double kPromisedGain = 0.20;     // live over frozen
constexpr std::int64_t kMostTrainings = 20;

Result<void> copy_file(FileSystem& files, const std::string& from, const std::string& to) {
  MARTLET_TRY_SET(const std::string bytes, files.read_file(from));
  return files.write_file_durably(to, bytes);
}

// martlet.yaml and data/*.parquet into an empty folder.
Result<void> copy_example(FileSystem& files, const std::string& from, const std::string& to) {
  MARTLET_TRY(files.create_directories(to + "/data"));
  MARTLET_TRY(copy_file(files, from + "/martlet.yaml", to + "/martlet.yaml"));
  MARTLET_TRY_SET(const std::vector<std::string> names, files.list(from + "/data"));
  for (const std::string& name : names) {
    if (name.ends_with(".parquet"))
      MARTLET_TRY(copy_file(files, from + "/data/" + name, to + "/data/" + name));
  }
  return {};
}

// A few flights asked of a real server on a free loopback port, as any client would.
Result<Json> ask_live_model(Session& session, const lifecycle::Store& store,
                            const lifecycle::Project& project) {
  MARTLET_TRY_SET(const auto live, lifecycle::LiveDeployment::open(
                                       store, project, registry::Environment::Experiment));
  net::Telemetry telemetry;
  server::AppOptions options;
  options.port = 0;
  options.loops = 1;
  options.version = program_version();
  server::App app(live->service(), telemetry, session.host().clock, session.host().log, options);
  MARTLET_TRY(app.start());
  const Json flights = Json::array({
      Json{{"carrier", "UA"},
           {"origin", "EWR"},
           {"dest", "ORD"},
           {"distance", 719},
           {"scheduled_at", "2013-06-24T19:30"},
           {"local_day", "2013-06-24"},
           {"flight_id", "demo-1"}},
      Json{{"carrier", "AA"},
           {"origin", "LGA"},
           {"dest", "MIA"},
           {"distance", 1096},
           {"scheduled_at", "2013-09-17T06:00"},
           {"local_day", "2013-09-17"},
           {"flight_id", "demo-2"}},
      Json{{"carrier", "B6"},
           {"origin", "JFK"},
           {"dest", "BOS"},
           {"distance", 187},
           {"scheduled_at", "2013-12-05T20:15"},
           {"local_day", "2013-12-05"},
           {"flight_id", "demo-3"}},
  });
  net::HttpCall call;
  call.method = net::Method::Post;
  call.url = app.url() + "/invocations";
  call.headers = {{"content-type", "application/json"}};
  call.body = to_text(Json{{"dataframe_records", flights}});
  call.policy = std::nullopt;  // our own server, on loopback
  net::HttpClient client;
  MARTLET_TRY_SET(const net::HttpResponse response,
                  client.send(call, Deadline::none(), CancelToken()));
  app.stop(std::chrono::seconds(5));
  MARTLET_TRY(live->close());
  if (response.status != 200)
    return internal_error("asking the live model: HTTP " + std::to_string(response.status) + ": " +
                          response.body);
  MARTLET_TRY_SET(const Json answers, parse_json(response.body));
  std::size_t place = 0;
  for (const Json& answer : answers.at("predictions")) {
    const Json& flight = flights[place++];
    session.console.print(
        fmt::format("{} {} to {} at {}: score {:.3f}, {}", flight["carrier"].get<std::string>(),
                    flight["origin"].get<std::string>(), flight["dest"].get<std::string>(),
                    flight["scheduled_at"].get<std::string>(), answer.at("score").get<double>(),
                    answer.at("predicted").get<bool>() ? "keep the gate free" : "go ahead"));
  }
  return answers;
}

// The reports of run and simulation. They outlive a temporary folder: beside it then.
struct DemoReports {
  std::string run, simulation;
};
Result<DemoReports> write_reports(Session& session, const lifecycle::Store& store,
                                  const lifecycle::Project& project, const RunId& run,
                                  const lifecycle::SimulateReport& simulation,
                                  const std::string& prefix) {
  const DemoReports files{prefix + "run.html", prefix + "simulation.html"};
  MARTLET_TRY_SET(const lifecycle::Dossier dossier, lifecycle::gather_dossier(store, run));
  MARTLET_TRY(
      write_report(session, lifecycle::report_of_run(dossier), files.run, ReportFormat::Html));
  MARTLET_TRY(write_report(session, lifecycle::report_of_simulation(project, simulation),
                           files.simulation, ReportFormat::Html));
  return files;
}

// The example lies in the source tree, or beside an installed program.
Result<std::string> find_example(FileSystem& files, const std::string& given) {
  if (!given.empty()) return given;
  MARTLET_TRY_SET(const std::string program, platform::self_executable());
  const std::string root = parent_path(parent_path(program));
  for (const std::string& candidate :
       {root + "/share/martlet/examples/flight-delay", parent_path(root) + "/examples/flight-delay",
        std::string("examples/flight-delay")}) {
    if (files.exists(candidate + "/martlet.yaml")) return candidate;
  }
  return not_found(
      "the flagship example is not beside the program; name its folder with --example");
}

}  // namespace

Result<int> run_demo(Session& session, const DemoFlags& flags) {
  const auto began = std::chrono::steady_clock::now();
  FileSystem& files = session.host().files;
  Console& console = session.console;
  MARTLET_TRY_SET(const std::string example, find_example(files, flags.example));
  std::optional<platform::TemporaryDirectory> temporary;
  std::string directory = flags.directory;
  if (directory.empty()) {
    MARTLET_TRY_SET(temporary, platform::TemporaryDirectory::create("/tmp", "martlet-demo-"));
    directory = temporary->path();
  }
  console.note("flight-delay in " + directory);
  MARTLET_TRY(copy_example(files, example, directory));
  session.project_path = directory;
  MARTLET_TRY_SET(const lifecycle::Project project, session.project());
  MARTLET_TRY_SET(const auto store, session.store(project, lifecycle::WhenMissing::Create));

  console.note(
      "1. the lifecycle on the year: data, features, models, verdict, gates, package, registry");
  lifecycle::RunRequest run_request;
  const Interrupt interrupt(run_request.cancel);
  watch(session, run_request);
  MARTLET_TRY_SET(const lifecycle::RunReport run,
                  lifecycle::run_lifecycle(*store, project, run_request));
  const bool json = console.json;
  console.json = false;  // the report is part of one document at the end
  const int run_status = json ? (run.succeeded && run.gates_passed ? kSuccess : kWorkFailed)
                              : show_report(session, run);
  if (run_status != kSuccess) {
    console.json = json;
    console.print_json(Json{{"run", run.json}, {"simulate", nullptr}, {"seconds", nullptr}});
    return run_status;
  }

  console.note("2. the live model answers over HTTP");
  console.json = json;
  MARTLET_TRY_SET(const Json answers, ask_live_model(session, *store, project));

  console.note("3. nine months replayed from 1 April: the model answers, the truth arrives six "
               "hours later, the loop retrains");
  lifecycle::SimulateRequest request;
  request.cancel = run_request.cancel;
  MARTLET_TRY_SET(request.from, parse_instant(kFrom, project.problem.zone));
  MARTLET_TRY_SET(request.to, parse_instant(kTo, project.problem.zone));
  request.ingest.cancel = request.cancel;
  watch_simulation(session, request);
  MARTLET_TRY_SET(const lifecycle::SimulateReport report,
                  lifecycle::simulate(*store, project, request));
  if (!json) show_simulation(session, project, report, SimulationDetail::Months);

  MARTLET_TRY_SET(const DemoReports reports,
                  write_reports(session, *store, project, run.outcome.run.id, report,
                                directory + (temporary.has_value() ? "-" : "/")));

  const double gain = report.frozen > 0 ? (report.live - report.frozen) / report.frozen : 0;
  bool beats_rules = !report.rules.empty();
  std::string quarters;
  for (const PeriodSum& quarter : sums_by_quarter(report, project.problem.zone)) {
    quarters += fmt::format("{}{} {:.2f} M", quarters.empty() ? "" : "; ", quarter.period,
                            quarter.live / 1e6);
    for (const auto& [name, value] : quarter.rules) {
      beats_rules = beats_rules && quarter.live > value;
      quarters += fmt::format(", {} {:.2f}", name, value / 1e6);
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const bool kept = gain >= kPromisedGain && beats_rules && report.trainings <= kMostTrainings;
  console.print("");
  console.print(fmt::format("The contract: {} One decision a flight; a caught delay is worth 900 "
                            "USD, a false alarm costs 250.",
                            project.problem.question));
  console.print(fmt::format("The verdict: machine learning is {}.",
                            run.verdict == "required" ? "required" : run.verdict));
  console.print(
      fmt::format("The model of 1 April, frozen, earned {:.2f} M USD to the end of the year.",
                  report.frozen / 1e6));
  console.print(fmt::format("The loop earned {:.2f} M USD, {:+.1f} %, with {} trainings.",
                            report.live / 1e6, 100 * gain, report.trainings));
  for (const auto& [name, value] : report.rules) {
    console.print(fmt::format("The rule \"{}\" earned {:.2f} M USD.", name, value / 1e6));
  }
  console.print(fmt::format("By quarter, the loop and the rules: {}.", quarters));
  console.print(fmt::format("It took {:.0f} s. {}", seconds,
                            kept ? "The loop kept its promise."
                                 : console.red("The loop did not keep its promise of +20 %.")));
  console.print(fmt::format("Reports: {} and {}.", reports.run, reports.simulation));
  if (!temporary.has_value())
    console.print(fmt::format(
        "Look around: cd {} && martlet status, martlet models show flight-delay@live", directory));
  console.print("The project file: examples/flight-delay/martlet.yaml; the guide: docs/.");
  console.json = json;
  console.print_json(
      Json{{"run", run.json},
           {"answers", answers},
           {"simulate", report.to_json()},
           {"reports", Json{{"run", reports.run}, {"simulation", reports.simulation}}},
           {"seconds", seconds},
           {"kept", kept}});
  return kept ? kSuccess : kWorkFailed;
}

}  // namespace martlet::cli
