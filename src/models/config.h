// models/config.h: the `models:` part of martlet.yaml, read strictly.
//
//   models:
//     candidates: [logistic, {lightgbm: {num_leaves: 31, rounds: 200, learning_rate: 0.05}}]
//     seed: 7
//
// Values. Called by whoever reads the project file.
#pragma once
#include "base/json.h"
#include "base/yaml.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::models {

struct Candidate {
  std::string trainer;               // of trainer_names()
  Json parameters = Json::object();  // checked by parameters_of(trainer)
  Yaml where;
};

struct ModelsConfig {
  // At least one: without any in the file, "lightgbm", which stands for every task that has no
  // linear model asked for.
  std::vector<Candidate> candidates;
  std::uint64_t seed = 0;
};

// Every problem becomes a finding (unknown key or trainer with the nearest known one, wrong type, a
// value out of range, something that this version can't do yet) and reading goes on. A null node is
// the default.
ModelsConfig parse_models(const Yaml& node, std::vector<Finding>& findings);

}  // namespace martlet::models
