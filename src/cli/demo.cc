#include "cli/demo.h"

#include "cli/interrupt.h"
#include "cli/run_view.h"
#include "cli/simulation_view.h"
#include "platform/process.h"
#include "platform/real_file_system.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>

namespace martlet::cli {

namespace {

constexpr const char* kFrom = "2013-04-01";  // trained on January to March, replayed from here …
constexpr const char* kTo = "2014-01-01";    // … to the end of the year
constexpr double kPromisedGain = 0.20;       // live over frozen
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
      "1. the lifecycle, as of 1 April: data, features, models, verdict, gates, package, registry");
  lifecycle::RunRequest run_request;
  const Interrupt interrupt(run_request.cancel);
  MARTLET_TRY_SET(run_request.compile.as_of, parse_instant(kFrom, project.problem.zone));
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

  console.note("2. nine months replayed: the model answers, the truth arrives six hours later, the "
               "loop retrains");
  lifecycle::SimulateRequest request;
  request.cancel = run_request.cancel;
  request.from = *run_request.compile.as_of;
  MARTLET_TRY_SET(request.to, parse_instant(kTo, project.problem.zone));
  request.ingest.cancel = request.cancel;
  watch_simulation(session, request);
  MARTLET_TRY_SET(const lifecycle::SimulateReport report,
                  lifecycle::simulate(*store, project, request));
  if (!json) show_simulation(session, project, report, SimulationDetail::Months);

  const double gain = report.frozen > 0 ? (report.live - report.frozen) / report.frozen : 0;
  bool beats_rule = true;
  std::string quarters;
  for (const PeriodSum& quarter : sums_by_quarter(report, project.problem.zone)) {
    beats_rule = beats_rule && quarter.live > quarter.rule;
    quarters += fmt::format("{}{}: {:.2f} M against {:.2f} M", quarters.empty() ? "" : ", ",
                            quarter.period, quarter.live / 1e6, quarter.rule / 1e6);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const bool kept = gain >= kPromisedGain && beats_rule && report.trainings <= kMostTrainings;
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
  console.print(
      fmt::format("The rule \"{}\" earned {:.2f} M USD.", report.rule, report.rule_total / 1e6));
  console.print(fmt::format("By quarter, loop against rule: {}.", quarters));
  console.print(fmt::format("It took {:.0f} s. {}", seconds,
                            kept ? "The loop kept its promise."
                                 : console.red("The loop did not keep its promise of +20 %.")));
  if (!temporary.has_value())
    console.print(fmt::format(
        "Look around: cd {} && martlet status, martlet models show flight-delay@live", directory));
  console.print("The project file: examples/flight-delay/martlet.yaml; the guide: docs/.");
  console.json = json;
  console.print_json(Json{
      {"run", run.json}, {"simulate", report.to_json()}, {"seconds", seconds}, {"kept", kept}});
  return kept ? kSuccess : kWorkFailed;
}

}  // namespace martlet::cli
