// lifecycle/challenger.h: one turn of retraining: fit on what is known, test against the champion
// on the newest truth, refit on everything.
//
// Of several candidates the one whose primary KPI is best on the validation rows is tested, as in a
// run; a retraining usually repeats the champion's recipe, which is a single candidate.
#pragma once
#include "base/result.h"
#include "lifecycle/fitting.h"
#include "lifecycle/frame.h"
#include "models/config.h"
#include "monitoring/retraining.h"

#include <memory>
#include <optional>
#include <string>

namespace martlet::lifecycle {

struct Champion {
  const features::FeatureProgram& program;
  const models::Predictor& predictor;
  double threshold = 0.5;
};

struct ChallengerRequest {
  const Recipe& recipe;  // its trainer and parameters are those of `candidates` in turn
  std::span<const models::Candidate> candidates;  // at least one
  const Frame& frame;
  std::span<const std::uint32_t> known;  // rows whose truth is known now, by event time
  Timestamp now;
  const monitoring::RetrainPolicy& policy;
  const features::Lookups& lookups;
  std::optional<Champion> champion;  // without one, the challenger wins
  platform::ThreadPool& pool;
};

struct Challenger {
  models::Candidate candidate;  // whose recipe it was
  FittedCandidate model;        // the one to deploy: refitted when the policy says so
  Digest tested_model;          // of the bytes that were tested
  bool refitted = false;
  std::optional<monitoring::Comparison> comparison;  // absent without a champion
  bool promote = false;
  std::vector<std::uint32_t> training;  // rows the deployed model learnt from
  std::vector<std::uint32_t> holdout;
  std::map<std::string, double> kpis;  // of the tested model on the holdout
};

// InvalidArgument when the history is too short to hold anything out; else as fit_candidate.
Result<Challenger> train_challenger(const ChallengerRequest& request, const FitHost& host);

}  // namespace martlet::lifecycle
