#include "cli/run_view.h"

#include <fmt/format.h>

namespace martlet::cli {

void watch(Session& session, lifecycle::RunRequest& request) {
  request.on_step = [&session](const workflow::StepRecord& step) {
    const auto status = step.step_status();
    std::string detail;
    if (status == workflow::StepStatus::Succeeded) detail = fmt::format("{:.2f} s", step.seconds);
    if (status == workflow::StepStatus::Failed) detail = step.error;
    if (status == workflow::StepStatus::Skipped)  // "skipped: …" says its status again
      detail = step.explanation.substr(step.explanation.starts_with("skipped: ") ? 9 : 0);
    session.console.show_step(step.name, std::string(workflow::name_of(status)), detail);
  };
}

namespace {

std::string verdict_line(const Json& problem) {
  const std::string verdict =
      problem.at("verdict").is_string() ? problem.at("verdict").get<std::string>() : "";
  if (verdict.empty()) return "";
  const std::string unit = problem.value("unit", std::string());
  const std::string figures =
      fmt::format("gain {} [{}, {}]{} per row over \"{}\"", number_text(problem.at("gain")),
                  number_text(problem.at("low")), number_text(problem.at("high")),
                  unit.empty() ? "" : " " + unit, problem.value("best_baseline", std::string()));
  if (verdict == "required") return "machine learning is required: " + figures;
  if (verdict == "not_required") return "machine learning is not required: " + figures;
  return "undecided whether machine learning is required: " + figures;
}

}  // namespace

int show_report(Session& session, const lifecycle::RunReport& report) {
  Console& console = session.console;
  console.end_steps();
  console.print_json(report.json);
  const Json& json = report.json;
  if (!report.succeeded) {
    console.print(fmt::format("run {}: {}", json.at("run").get<std::string>(),
                              console.red(json.at("status").get<std::string>())));
    if (json.contains("error")) console.complain("martlet: " + json.at("error").get<std::string>());
    console.note("see `martlet logs`; `martlet resume` goes on from there");
    return kWorkFailed;
  }
  std::vector<std::vector<std::string>> kpis;
  for (const Json& kpi : json.at("kpis")) {
    const Json& passed = kpi.at("passed");
    kpis.push_back({kpi.at("name").get<std::string>(), number_text(kpi.at("value")),
                    number_text(kpi.at("low")), number_text(kpi.at("high")),
                    kpi.at("goal").is_string() ? kpi.at("goal").get<std::string>() : "",
                    number_text(kpi.at("baseline")),
                    !kpi.at("goal").is_string() ? ""  // watched, and no gate
                    : !passed.is_boolean()      ? "unknown"
                    : passed.get<bool>()        ? console.green("passed")
                                                : console.red("failed")});
  }
  if (!kpis.empty()) console.table({"kpi", "value", "low", "high", "goal", "baseline", ""}, kpis);
  for (const Json& leak : json.at("leaks")) {
    if (leak.at("dropped").get<bool>()) continue;
    console.print(console.yellow("warning: ") + leak.at("column").get<std::string>() +
                  " may leak the target (" + leak.at("kind").get<std::string>() +
                  "): " + leak.at("why").get<std::string>());
  }
  if (const std::string line = verdict_line(json.at("problem")); !line.empty()) console.print(line);
  for (const Json& gate : json.at("gates")) {
    const Json& passed = gate.at("passed");
    const std::string word = !passed.is_boolean() ? console.yellow("unknown")
                             : passed.get<bool>() ? console.green("passed")
                                                  : console.red("failed");
    console.print(fmt::format("gate {}: {}: {}", gate.at("name").get<std::string>(), word,
                              gate.at("why").get<std::string>()));
  }
  if (const Json& model = json.at("model"); model.is_object()) {
    const std::string stands = model.at("live").is_string()
                                   ? "is live in " + model.at("live").get<std::string>()
                                   : "is registered and not live";
    console.print(
        fmt::format("model {}/{} {}{}", model.at("name").get<std::string>(),
                    model.at("version").get<std::int64_t>(), stands,
                    model.value("is_champion", false)
                        ? "; this run made the same model again, and registered nothing new"
                        : ""));
  }
  console.print(fmt::format("run {}", json.at("run").get<std::string>()));
  if (report.verdict == "not_required") return kNotRequired;
  return json.at("model").is_object() && !report.gates_passed ? kWorkFailed : kSuccess;
}

}  // namespace martlet::cli
