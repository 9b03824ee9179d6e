// lifecycle/fitting.h: one candidate, fitted: feature program, model and threshold. The one way to
// train, for run, retraining and simulation.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "features/program.h"
#include "lifecycle/frame.h"
#include "models/trainer.h"
#include "platform/threads.h"
#include "problem/problem.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::lifecycle {

// What is fitted, whatever the rows.
struct Recipe {
  const problem::Problem& problem;
  const features::FeatureConfig& features;
  std::vector<features::CleaningStep> cleaning;
  std::string trainer;               // "lightgbm"
  Json parameters = Json::object();  // of the trainer
  std::uint64_t seed = 0;
};

struct FitHost {
  models::TrainingHost training;
  int threads = 1;
  CancelToken cancel;
  std::function<void(std::string_view)> log;
};

struct FittedCandidate {
  features::FeatureProgram program;
  models::TrainedModel model;
  double threshold = 0.5;  // binary
  double validation_kpi =
      0;  // the primary KPI on the validation rows, with the threshold; NaN unknown
  std::vector<features::LeftOut> left_out;
};

// Learns on the training rows; the validation rows choose the number of rounds and the threshold.
// Rows index the frame; their targets are known.
Result<FittedCandidate> fit_candidate(const Recipe& recipe, const Frame& frame,
                                      std::span<const std::uint32_t> training,
                                      std::span<const std::uint32_t> validation,
                                      const features::Lookups& lookups, const FitHost& host);

// The same recipe on other rows, with what validation chose before: rounds and threshold stay.
Result<FittedCandidate> refit(const Recipe& recipe, const FittedCandidate& tested,
                              const Frame& frame, std::span<const std::uint32_t> training,
                              const features::Lookups& lookups, const FitHost& host);

// The scores of rows through program and model, on the pool; the same bits whatever its number of
// threads.
Result<std::vector<double>> score(const features::FeatureProgram& program,
                                  const models::Predictor& predictor, const columns::Batch& rows,
                                  const features::Lookups& lookups, platform::ThreadPool& pool);

// Scores as decisions: 1 where score >= threshold (binary), the score itself (regression).
std::vector<double> decide(problem::Task task, std::span<const double> scores, double threshold);

// A seeded random share of `rows` for validation; the others train. Both keep their order.
struct Halves {
  std::vector<std::uint32_t> training, validation;
};
Halves divide(std::span<const std::uint32_t> rows, double validation_share, std::uint64_t seed);

}  // namespace martlet::lifecycle
