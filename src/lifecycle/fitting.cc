#include "lifecycle/fitting.h"

#include "base/random.h"
#include "problem/threshold.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace martlet::lifecycle {

namespace {

// A fixed size: how work is cut must not depend on the number of threads. Small enough that the
// matrix of a few dozen features stays in the cache between the program and the model.
constexpr std::size_t kRowsAtOnce = 4096;

// Those columns that the program reads, as far as they are there: others need not be cut in pieces.
columns::Batch read_by(const features::FeatureProgram& program, const columns::Batch& rows) {
  std::vector<std::string> names;
  for (const features::InputField& input : program.inputs()) {
    if (rows.find(input.name) != nullptr) names.push_back(input.name);
  }
  auto chosen = rows.select(names);
  return names.empty() || !chosen.has_value() ? rows : std::move(chosen).value();
}

features::Task feature_task(problem::Task task) {
  return task == problem::Task::Binary ? features::Task::Binary : features::Task::Regression;
}

struct Prepared {
  features::Fitted fitted;
  std::vector<double> labels;
};

Result<Prepared> prepare(const Recipe& recipe, const Frame& frame,
                         std::span<const std::uint32_t> training, features::Family family,
                         const features::Lookups& lookups) {
  const problem::Contract& contract = recipe.problem.contract();
  features::FitRequest request;
  request.config = recipe.features;
  request.rows = frame.rows;
  request.training_rows.assign(training.begin(), training.end());
  request.target = frame.actual;
  request.task = feature_task(recipe.problem.task());
  request.family = family;
  request.decided_at = {contract.decided_at, contract.time, contract.zone};
  request.hidden = {contract.target};
  request.not_features = contract.key;
  request.cleaning = recipe.cleaning;
  request.lookups = lookups;
  request.seed = recipe.seed;
  MARTLET_TRY_SET(features::Fitted fitted, features::FeatureProgram::fit(request));
  return Prepared{std::move(fitted), actual_of(frame, training)};
}

}  // namespace

Result<FittedCandidate> fit_candidate(const Recipe& recipe, const Frame& frame,
                                      std::span<const std::uint32_t> training,
                                      std::span<const std::uint32_t> validation,
                                      const features::Lookups& lookups, const FitHost& host) {
  MARTLET_TRY_SET(const std::unique_ptr<models::Trainer> trainer,
                  models::find_trainer(recipe.trainer, host.training));
  MARTLET_TRY_SET(Prepared prepared, prepare(recipe, frame, training, trainer->family(), lookups));
  host.log(fmt::format("{}: {} features of {} training rows", recipe.trainer,
                       prepared.fitted.training.width(), prepared.fitted.training.rows));
  const columns::Batch validation_rows = take(frame, validation);
  const std::vector<double> validation_actual = actual_of(frame, validation);
  MARTLET_TRY_SET(const features::Matrix validation_matrix,
                  prepared.fitted.program.apply(validation_rows, lookups));

  models::TrainRequest request;
  request.task = feature_task(recipe.problem.task());
  request.train = {&prepared.fitted.training, prepared.labels, {}};
  request.validation = {&validation_matrix, validation_actual, {}};
  request.parameters = recipe.parameters;
  request.seed = recipe.seed;
  request.threads = host.threads;
  request.cancel = host.cancel;
  MARTLET_TRY_SET(models::TrainedModel model, trainer->train(request));

  FittedCandidate candidate{std::move(prepared.fitted.program), std::move(model), 0.5,
                            std::numeric_limits<double>::quiet_NaN(),
                            std::move(prepared.fitted.left_out)};
  if (validation.empty()) return candidate;
  std::vector<double> scores(validation.size());
  candidate.model.predictor->scores(validation_matrix.values, validation_matrix.width(), scores);
  problem::Outcomes outcomes{validation_rows, validation_actual, scores, {}};
  if (recipe.problem.task() == problem::Task::Binary) {
    MARTLET_TRY_SET(const problem::Threshold threshold,
                    problem::choose_threshold(recipe.problem.primary(), validation_rows,
                                              validation_actual, scores));
    candidate.threshold = threshold.value;
  } else {
    outcomes.score.clear();
  }
  outcomes.predicted = decide(recipe.problem.task(), scores, candidate.threshold);
  MARTLET_TRY_SET(candidate.validation_kpi, recipe.problem.primary().estimate(outcomes));
  host.log(fmt::format("{}: {} {:.6g} on {} validation rows, threshold {:.6g}", recipe.trainer,
                       recipe.problem.primary().name(), candidate.validation_kpi, validation.size(),
                       candidate.threshold));
  return candidate;
}

Result<FittedCandidate> refit(const Recipe& recipe, const FittedCandidate& tested,
                              const Frame& frame, std::span<const std::uint32_t> training,
                              const features::Lookups& lookups, const FitHost& host) {
  MARTLET_TRY_SET(const std::unique_ptr<models::Trainer> trainer,
                  models::find_trainer(recipe.trainer, host.training));
  MARTLET_TRY_SET(Prepared prepared, prepare(recipe, frame, training, trainer->family(), lookups));
  models::TrainRequest request;
  request.task = feature_task(recipe.problem.task());
  request.train = {&prepared.fitted.training, prepared.labels, {}};
  request.parameters = recipe.parameters;
  if (const auto best = tested.model.info.find("best_round");
      best != tested.model.info.end() && best->is_number_integer()) {
    request.parameters["rounds"] = *best;
  }
  request.seed = recipe.seed;
  request.threads = host.threads;
  request.cancel = host.cancel;
  MARTLET_TRY_SET(models::TrainedModel model, trainer->train(request));
  return FittedCandidate{std::move(prepared.fitted.program), std::move(model), tested.threshold,
                         tested.validation_kpi, std::move(prepared.fitted.left_out)};
}

Result<std::vector<double>> score(const features::FeatureProgram& program,
                                  const models::Predictor& predictor, const columns::Batch& rows,
                                  const features::Lookups& lookups, platform::ThreadPool& pool) {
  std::vector<double> scores(rows.rows());
  const columns::Batch inputs = read_by(program, rows);
  MARTLET_TRY(pool.try_parallel_for(
      rows.rows(), kRowsAtOnce, CancelToken(),
      [&](std::size_t begin, std::size_t end) -> Result<void> {
        MARTLET_TRY_SET(const features::Matrix matrix,
                        program.apply(inputs.slice(begin, end - begin), lookups));
        predictor.scores(matrix.values, matrix.width(),
                         std::span(scores).subspan(begin, end - begin));
        return {};
      }));
  return scores;
}

std::vector<double> decide(problem::Task task, std::span<const double> scores, double threshold) {
  std::vector<double> decisions(scores.begin(), scores.end());
  if (task != problem::Task::Binary) return decisions;
  for (double& decision : decisions) decision = decision >= threshold ? 1 : 0;
  return decisions;
}

Halves divide(std::span<const std::uint32_t> rows, double validation_share, std::uint64_t seed) {
  Halves halves;
  SeededRandom random(seed);
  for (const std::uint32_t row : rows) {
    (random.uniform() < validation_share ? halves.validation : halves.training).push_back(row);
  }
  return halves;
}

}  // namespace martlet::lifecycle
