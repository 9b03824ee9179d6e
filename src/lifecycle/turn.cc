#include "lifecycle/turn.h"

#include "problem/baseline.h"

#include <algorithm>

namespace martlet::lifecycle {

namespace {

Json details_of(const Challenger& challenger) {
  Json details{{"training_rows", challenger.training.size()},
               {"holdout_rows", challenger.holdout.size()},
               {"candidate", challenger.candidate.trainer},
               {"parameters", challenger.candidate.parameters},
               {"tested_model", challenger.tested_model.text()},
               {"refitted", challenger.refitted},
               {"threshold", challenger.model.threshold}};
  if (challenger.comparison.has_value()) {
    details["champion_kpi"] = number_or_null(challenger.comparison->champion);
    details["challenger_kpi"] = number_or_null(challenger.comparison->challenger);
    details["difference"] = number_or_null(challenger.comparison->difference.value);
    details["low"] = number_or_null(challenger.comparison->difference.low);
    details["high"] = number_or_null(challenger.comparison->difference.high);
  }
  return details;
}

Result<StoredPackage> package_of(const TurnParts& parts, const Challenger& challenger) {
  const Lessons& lessons = parts.lessons;
  const problem::Problem& problem = *lessons.problem;
  models::Provenance provenance;
  provenance.dataset = parts.project.main_dataset().name;
  provenance.dataset_digest = lessons.dataset_digest;
  provenance.code_version = parts.store.host().code_version;
  provenance.created_by = "retraining";
  provenance.more["candidate"] = challenger.candidate.trainer;
  provenance.more["parameters"] = challenger.candidate.parameters;
  provenance.more["tested_model"] = challenger.tested_model.text();
  provenance.more["refitted"] = challenger.refitted;
  MARTLET_TRY_SET(const problem::FittedBaselines rules,
                  problem::fit_baselines(problem.baselines(), problem.task(), problem.zone(),
                                         problem.primary(),
                                         take(*lessons.frame, challenger.training),
                                         actual_of(*lessons.frame, challenger.training)));
  return store_package(parts.store, parts.project,
                       {problem, *lessons.frame, challenger.training, challenger.holdout,
                        challenger.model.program, challenger.model.model,
                        challenger.model.threshold, lessons.lookups, lessons.lookup_rows,
                        challenger.kpis, rules.all[rules.best].to_json(), std::move(provenance)});
}

}  // namespace

models::Candidate LoopModel::recipe(const Project& project) const {
  const Json& more = package->manifest().provenance.more;
  const auto trainer = more.find("candidate");
  const std::string trained_by =
      trainer != more.end() && trainer->is_string() ? trainer->get<std::string>() : "";
  if (const auto parameters = more.find("parameters");
      !trained_by.empty() && parameters != more.end() && parameters->is_object())
    return {trained_by, *parameters, Yaml()};
  const auto same = std::find_if(
      project.models.candidates.begin(), project.models.candidates.end(),
      [&](const models::Candidate& candidate) { return candidate.trainer == trained_by; });
  return same != project.models.candidates.end() ? *same : project.models.candidates.front();
}

Result<TurnResult> take_turn(const TurnParts& parts) {
  const Lessons& lessons = parts.lessons;
  const monitoring::RetrainPolicy policy =
      parts.project.monitoring.retrain.value_or(monitoring::RetrainPolicy{});
  const Recipe recipe{*lessons.problem,
                      parts.project.features,
                      travelling_steps(parts.project.main_dataset()),
                      "",
                      Json::object(),
                      parts.project.models.seed};
  const Workshop workshop(parts.store, parts.project);
  MARTLET_TRY_SET(const FitHost host, workshop.fit_host(parts.cancel, parts.log));
  std::optional<Champion> champion;
  if (parts.champion != nullptr) {
    const models::Package& package = *parts.champion->package;
    champion.emplace(Champion{package.feature_program(), *package.predictor(),
                              package.manifest().threshold.value_or(0.5)});
  }
  MARTLET_TRY_SET(
      const Challenger challenger,
      train_challenger({recipe, parts.candidates, *lessons.frame, lessons.known, parts.now, policy,
                        lessons.lookups, champion, parts.store.host().pool},
                       host));
  TurnResult result;
  result.promote = challenger.promote;
  result.why = challenger.comparison.has_value() ? challenger.comparison->why : "";
  result.details = details_of(challenger);
  result.training_rows = challenger.training.size();
  result.threshold = challenger.model.threshold;
  result.trainer = challenger.candidate.trainer;
  if (!challenger.promote) return result;
  if (parts.cancel.cancelled()) return fail(ErrorCode::Cancelled, "the training was cancelled");
  MARTLET_TRY_SET(result.package, package_of(parts, challenger));
  return result;
}

}  // namespace martlet::lifecycle
