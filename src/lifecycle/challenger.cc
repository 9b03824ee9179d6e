#include "lifecycle/challenger.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace martlet::lifecycle {

namespace {

struct History {
  std::vector<std::uint32_t> fitting, holdout;
};

History cut(const ChallengerRequest& request) {
  History history;
  const Timestamp held_from = request.now - request.policy.holdout;
  const bool bounded = request.policy.window.has_value();
  const Timestamp oldest = bounded ? request.now - *request.policy.window : Timestamp{};
  for (const std::uint32_t row : request.known) {
    const Timestamp at{request.frame.times[row]};
    if (bounded && at < oldest) continue;
    (at < held_from ? history.fitting : history.holdout).push_back(row);
  }
  return history;
}

Result<problem::Outcomes> outcomes_of_model(const ChallengerRequest& request,
                                            const features::FeatureProgram& program,
                                            const models::Predictor& predictor, double threshold,
                                            const columns::Batch& rows,
                                            const std::vector<double>& actual) {
  const problem::Task task = request.recipe.problem.task();
  MARTLET_TRY_SET(std::vector<double> scores,
                  score(program, predictor, rows, request.lookups, request.pool));
  problem::Outcomes outcomes{rows, actual, {}, decide(task, scores, threshold)};
  if (task == problem::Task::Binary) outcomes.score = std::move(scores);
  return outcomes;
}

struct Chosen {
  Recipe recipe;
  FittedCandidate fitted;
};

// The candidate that select would choose: the best on the validation rows, the first of equals.
Result<Chosen> choose(const ChallengerRequest& request, const Halves& halves, const FitHost& host) {
  MARTLET_CHECK(!request.candidates.empty(), "a turn trains at least one candidate");
  std::optional<Chosen> best;
  double best_merit = -std::numeric_limits<double>::infinity();
  for (const models::Candidate& candidate : request.candidates) {
    Recipe recipe = request.recipe;
    recipe.trainer = candidate.trainer;
    recipe.parameters = candidate.parameters;
    MARTLET_TRY_SET(FittedCandidate fitted,
                    fit_candidate(recipe, request.frame, halves.training, halves.validation,
                                  request.lookups, host));
    const double merit = request.recipe.problem.primary().merit(fitted.validation_kpi);
    if (best.has_value() && !(merit > best_merit)) continue;
    best.emplace(Chosen{std::move(recipe), std::move(fitted)});
    if (!std::isnan(merit)) best_merit = merit;
  }
  return std::move(*best);
}

}  // namespace

Result<Challenger> train_challenger(const ChallengerRequest& request, const FitHost& host) {
  const History history = cut(request);
  if (history.fitting.empty() || history.holdout.empty()) {
    return invalid_argument(fmt::format("retraining: of {} rows with known truth {} are older than "
                                        "the holdout of {} and {} are newer; both are needed",
                                        request.known.size(), history.fitting.size(),
                                        to_text(request.policy.holdout), history.holdout.size()));
  }
  const Halves halves = divide(history.fitting, request.policy.validation, request.recipe.seed);
  if (halves.training.empty() || halves.validation.empty()) {
    return invalid_argument("retraining: too few rows to train and to validate");
  }
  MARTLET_TRY_SET(Chosen chosen, choose(request, halves, host));
  FittedCandidate& tested = chosen.fitted;

  const columns::Batch rows = take(request.frame, history.holdout);
  const std::vector<double> actual = actual_of(request.frame, history.holdout);
  MARTLET_TRY_SET(const problem::Outcomes challenger_outcomes,
                  outcomes_of_model(request, tested.program, *tested.model.predictor,
                                    tested.threshold, rows, actual));
  std::map<std::string, double> kpis;
  for (const problem::Kpi& kpi : request.recipe.problem.kpis()) {
    MARTLET_TRY_SET(kpis[kpi.name()], kpi.estimate(challenger_outcomes));
  }
  std::optional<monitoring::Comparison> comparison;
  if (request.champion.has_value()) {
    MARTLET_TRY_SET(const problem::Outcomes champion_outcomes,
                    outcomes_of_model(request, request.champion->program,
                                      request.champion->predictor, request.champion->threshold,
                                      rows, actual));
    MARTLET_TRY_SET(const metrics::Blocks blocks, request.recipe.problem.blocks_of(rows));
    MARTLET_TRY_SET(comparison, monitoring::compare(request.recipe.problem.primary(),
                                                    champion_outcomes, challenger_outcomes, blocks,
                                                    request.policy, request.recipe.seed));
    host.log(comparison->why);
  }
  const bool promote = !comparison.has_value() || comparison->promote;
  const Digest tested_model = digest_of(std::string_view(tested.model.bytes));
  std::vector<std::uint32_t> training = halves.training;
  bool refitted = false;
  if (promote && request.policy.refit) {
    training = history.fitting;
    training.insert(training.end(), history.holdout.begin(), history.holdout.end());
    MARTLET_TRY_SET(tested,
                    refit(chosen.recipe, tested, request.frame, training, request.lookups, host));
    refitted = true;
  }
  return Challenger{{chosen.recipe.trainer, chosen.recipe.parameters, Yaml()},
                    std::move(tested),
                    tested_model,
                    refitted,
                    std::move(comparison),
                    promote,
                    std::move(training),
                    history.holdout,
                    std::move(kpis)};
}

}  // namespace martlet::lifecycle
