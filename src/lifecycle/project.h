// lifecycle/project.h: martlet.yaml, read as a whole: each stage reads its own part, and all
// problems are reported at once.
#pragma once
#include "base/digest.h"
#include "base/file_system.h"
#include "base/finding.h"
#include "base/result.h"
#include "base/yaml.h"
#include "data/config.h"
#include "evaluation/config.h"
#include "features/config.h"
#include "models/config.h"
#include "monitoring/config.h"
#include "problem/contract.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::lifecycle {

struct Project {
  std::string directory;  // what its relative paths start from
  std::string file;       // "martlet.yaml", for messages
  std::string text;       // as it was read
  Digest digest;          // of the text
  std::string name;
  problem::Contract problem;
  data::DataConfig data;
  features::FeatureConfig features;
  evaluation::SplitConfig split;
  models::ModelsConfig models;
  evaluation::EvaluationConfig evaluation;
  monitoring::MonitoringConfig monitoring;
  Yaml root;                      // sections as they were written, for cache keys
  std::vector<Finding> warnings;  // allowed, but likely to surprise

  // A top-level section as plain JSON; null when absent.
  Json section(std::string_view name) const;
  // The dataset that the model learns from.
  const data::DatasetConfig& main_dataset() const;
};

// InvalidArgument with every finding of the file.
Result<Project> parse_project(std::string text, std::string file, std::string directory);

// `path` is the file, or the directory that holds martlet.yaml. NotFound says how to begin.
Result<Project> load_project(FileSystem& files, const std::string& path);

// The rows of the dataset to learn from as features wants them told: the cleaning steps that travel
// with the model.
std::vector<features::CleaningStep> travelling_steps(const data::DatasetConfig& dataset);

}  // namespace martlet::lifecycle
