#include "base/time.h"
#include "evaluation/diagnostics.h"
#include "evaluation/drift.h"
#include "evaluation/evaluate.h"
#include "evaluation/gates.h"
#include "evaluation/slices.h"
#include "lifecycle/packages.h"
#include "lifecycle/steps.h"
#include "problem/baseline.h"
#include "registry/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::lifecycle {

namespace {

Json figures_json(const std::vector<evaluation::Figure>& figures) {
  Json json = Json::object();
  for (const evaluation::Figure& figure : figures) {
    if (figure.interval.has_value()) {
      json[figure.name] = Json{{"value", number_or_null(figure.value)},
                               {"low", number_or_null(figure.interval->first)},
                               {"high", number_or_null(figure.interval->second)}};
    } else {
      json[figure.name] = number_or_null(figure.value);
    }
  }
  return json;
}

problem::Outcomes outcomes_with(const columns::Batch& rows, const std::vector<double>& actual,
                                problem::Task task, const std::vector<double>& scores,
                                double threshold) {
  problem::Outcomes outcomes{rows, actual, {}, decide(task, scores, threshold)};
  if (task == problem::Task::Binary) outcomes.score = scores;
  return outcomes;
}

// Whether a package holds this very model: what decides is equal byte for byte. Provenance may
// differ: another build of the program, a file whose keys stand in another order.
bool is_same_model(const StoredCandidate& candidate, problem::Task task,
                   const models::Package& package) {
  const models::Manifest& manifest = package.manifest();
  const auto model = manifest.files.find(manifest.model_file);
  if (model == manifest.files.end()) return false;
  return candidate.program.digest() == manifest.feature_program &&
         candidate.model.flavour == manifest.flavour &&
         digest_of(std::string_view(candidate.model.bytes)) == model->second.digest &&
         (task != problem::Task::Binary || manifest.threshold == candidate.threshold);
}

// How far the rows that judge the model have moved from those that trained it: columns that only
// grow with time, name a row, or are no feature say nothing.
Result<Json> drift_json(const Project& project, const Frame& frame, const SplitRows& parts) {
  std::vector<std::string> names;
  for (const columns::Field& field : frame.rows.schema().fields()) {
    const auto is_in = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), field.name) != list.end();
    };
    const bool is_time =
        field.type == columns::Type::Timestamp || field.type == columns::Type::Date;
    if (!is_time && !is_in(project.problem.key) && !is_in(project.features.drop))
      names.push_back(field.name);
  }
  MARTLET_TRY_SET(const evaluation::DriftReport report,
                  evaluation::drift(take(frame, parts.training), take(frame, parts.test), names));
  return evaluation::to_json(report);
}

}  // namespace

Result<Json> evaluate_step(Workshop& workshop, const workflow::StepContext& context) {
  MARTLET_TRY_SET(const Digest version, digest_input(context, "dataset"));
  MARTLET_TRY_SET(const Digest split, digest_input(context, "split"));
  MARTLET_TRY_SET(const std::shared_ptr<const Frame> frame, workshop.frame(version));
  MARTLET_TRY_SET(const std::shared_ptr<const problem::Problem> problem, workshop.problem(version));
  MARTLET_TRY_SET(const SplitRows parts, read_split_blob(workshop, split));
  MARTLET_TRY_SET(const auto versions, lookup_versions(context));
  MARTLET_TRY_SET(const features::Lookups lookups, workshop.lookups(versions));
  MARTLET_TRY_SET(const StoredCandidate candidate,
                  read_candidate(workshop, context.inputs.at("candidate")));
  const Project& project = workshop.project();
  const problem::Task task = problem->task();

  const columns::Batch rows = take(*frame, parts.test);
  const std::vector<double> actual = actual_of(*frame, parts.test);
  MARTLET_TRY_SET(const metrics::Blocks blocks, problem->blocks_of(rows));
  MARTLET_TRY_SET(
      const std::vector<double> scores,
      score(candidate.program, *candidate.predictor, rows, lookups, workshop.store().host().pool));
  const problem::Outcomes model = outcomes_with(rows, actual, task, scores, candidate.threshold);

  MARTLET_TRY_SET(const problem::Baseline baseline,
                  problem::Baseline::from_json(context.inputs.at("baseline"), frame->rows.schema(),
                                               problem->zone()));
  MARTLET_TRY_SET(const problem::Outcomes rule, problem::outcomes_of(baseline, rows, actual));

  std::optional<problem::Outcomes> champion;
  bool is_champion = false;
  std::string champion_is_mute;
  if (const auto digest = context.parameters.find("champion");
      digest != context.parameters.end() && digest->is_string()) {
    MARTLET_TRY_SET(const Digest package_digest, Digest::parse(digest->get<std::string>()));
    MARTLET_TRY_SET(const std::shared_ptr<const models::Package> package,
                    open_package(workshop.store(), package_digest));
    const auto champion_scores = score(package->feature_program(), *package->predictor(), rows,
                                       lookups, workshop.store().host().pool);
    if (champion_scores.has_value()) {
      champion = outcomes_with(rows, actual, task, *champion_scores,
                               package->manifest().threshold.value_or(0.5));
      is_champion = is_same_model(candidate, task, *package);
    } else if (champion_scores.error().code() == ErrorCode::InvalidArgument) {
      champion_is_mute =
          "the champion can't answer the rows of this dataset any more, so the two "
          "can't be compared (" +
          champion_scores.error().message() +
          "); to replace it all the same, waive the gate: evaluation.gates: [{waive: "
          "{gate: better_than_champion, reason: …}}]";
    } else {
      return fail(champion_scores.error());
    }
  }

  metrics::BootstrapOptions bootstrap;
  bootstrap.seed = project.models.seed;
  MARTLET_TRY_SET(
      const evaluation::GateReport report,
      evaluation::check_gates({*problem, project.evaluation, model, rule, baseline.name(),
                               champion.has_value() ? &*champion : nullptr, is_champion,
                               champion_is_mute, blocks, bootstrap}));
  Json kpis = Json::array();
  for (const evaluation::KpiResult& kpi : report.kpis) {
    kpis.push_back(evaluation::to_json(kpi));
    context.log(fmt::format("{} {:.6g} [{:.6g}, {:.6g}], baseline {:.6g}", kpi.name, kpi.value,
                            kpi.low, kpi.high, kpi.baseline));
  }
  Json gates = Json::array();
  for (const evaluation::GateResult& gate : report.gates) {
    gates.push_back(evaluation::to_json(gate));
    context.log(fmt::format("gate {}: {}: {}", gate.name,
                            !gate.passed.has_value() ? "unknown"
                            : *gate.passed           ? "passed"
                                                     : "failed",
                            gate.why));
  }
  Json outputs{
      {"verdict", problem::to_json(report.verdict)},
      {"kpis", std::move(kpis)},
      {"gates", std::move(gates)},
      {"all_passed", report.all_passed()},
      {"is_champion", is_champion},
      {"rows", rows.rows()},
      {"metrics", figures_json(evaluation::metric_figures(task, model, blocks, bootstrap))}};
  if (!project.evaluation.slices.empty()) {
    MARTLET_TRY_SET(const auto slices,
                    evaluation::make_slices(problem->primary(), model, project.evaluation.slices,
                                            &blocks, bootstrap));
    outputs["slices"] = evaluation::to_json(slices);
  }
  if (project.evaluation.fairness.has_value() && task == problem::Task::Binary) {
    Json fairness = Json::object();
    for (const std::string& group : project.evaluation.fairness->groups) {
      MARTLET_TRY_SET(const columns::Column* column, rows.column(group));
      MARTLET_TRY_SET(const evaluation::FairnessReport judged,
                      evaluation::fairness_report(group, *column, model, blocks, std::nullopt));
      Json groups = Json::object();
      for (const evaluation::GroupReport& item : judged.groups) {
        groups[item.group] = figures_json(item.figures);
        groups[item.group]["n"] = item.rows;
      }
      fairness[group] = figures_json(judged.figures);
      fairness[group]["groups"] = std::move(groups);
    }
    outputs["fairness"] = std::move(fairness);
  }
  std::vector<evaluation::Contender> contenders{{"model", candidate.name, model},
                                                {"rule", baseline.name(), rule}};
  if (champion.has_value()) contenders.push_back({"champion", "champion", *champion});
  MARTLET_TRY_SET(Json drawn, evaluation::diagnostics(task, problem->primary(), contenders,
                                                      candidate.threshold, blocks, bootstrap));
  MARTLET_TRY_SET(drawn["drift"], drift_json(project, *frame, parts));
  MARTLET_TRY_SET(const Digest diagnostics, put_json(workshop, drawn));
  outputs["diagnostics"] = diagnostics.text();
  return outputs;
}

}  // namespace martlet::lifecycle
