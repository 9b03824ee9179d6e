#include "models/trainer.h"

#include "base/file_system.h"
#include "base/text.h"
#include "models/lightgbm_training.h"
#include "models/linear_training.h"
#include "platform/process.h"

#include <cmath>

namespace martlet::models {
namespace {

constexpr std::size_t kMaxRows = 2147483647;  // LightGBM counts rows in 32 bits
constexpr int kMaxThreads = 1024;

Result<void> check_rows(const LabelledRows& rows, features::Task task, std::string_view which) {
  const auto refuse = [&](std::string_view what) {
    return invalid_argument(fmt::format("training: {} rows: {}", which, what));
  };
  const features::Matrix& matrix = *rows.matrix;
  MARTLET_CHECK(matrix.values.size() == matrix.rows * matrix.width(),
                "a matrix holds rows x width values");
  if (matrix.rows == 0) return refuse("there are none; check the split and the target");
  if (matrix.rows > kMaxRows) return refuse("there are more than two billion");
  if (matrix.width() == 0) return refuse("they have no features; check `features.drop`");
  if (rows.labels.size() != matrix.rows) return refuse("there must be one label per row");
  if (!rows.weights.empty() && rows.weights.size() != matrix.rows)
    return refuse("there must be one weight per row");
  double total = 0;
  for (const double weight : rows.weights) {
    if (!(weight >= 0) || !std::isfinite(weight))
      return refuse("weights must be finite and not negative");
    total += weight;
  }
  if (!rows.weights.empty() && !(total > 0)) return refuse("all weights are zero");
  for (const double label : rows.labels) {
    if (!std::isfinite(label))
      return refuse("a target is missing or infinite; leave such rows out first");
    if (task == features::Task::Binary && label != 0 && label != 1)
      return refuse("the target of a binary task must be 0 or 1");
    if (!std::isfinite(static_cast<float>(label)))
      return refuse("a target is too large for single precision");
  }
  return {};
}

}  // namespace

Result<void> check_request(const Trainer& trainer, const TrainRequest& request) {
  MARTLET_CHECK(request.train.matrix != nullptr, "a training request has rows");
  if (!trainer.supports(request.task)) {
    return invalid_argument(fmt::format("{} does not train {} models", trainer.name(),
                                        features::name_of(request.task)));
  }
  if (auto findings = check_parameters(trainer.name(), request.parameters, ""); !findings.empty()) {
    return invalid(fmt::format("the parameters of {}", trainer.name()), std::move(findings));
  }
  if (request.threads < 1 || request.threads > kMaxThreads)
    return invalid_argument("training: threads must be between 1 and 1024");
  MARTLET_TRY(check_rows(request.train, request.task, "training"));
  if (request.validation.matrix == nullptr) return {};
  if (request.validation.matrix->columns != request.train.matrix->columns) {
    return invalid_argument("training: training and validation rows must have the same features");
  }
  return check_rows(request.validation, request.task, "validation");
}

Result<TrainingHost> training_host(FileSystem& files, std::string scratch_directory) {
  MARTLET_TRY_SET(const std::string self, platform::self_executable());
  return TrainingHost{.files = &files,
                      .child_command = {self, "train-child"},
                      .lightgbm_library =
                          join_path(parent_path(parent_path(self)), "lib/lib_lightgbm.so"),
                      .scratch_directory = std::move(scratch_directory)};
}

std::string lightgbm_version() { return MARTLET_LIGHTGBM_VERSION; }

std::vector<std::unique_ptr<Trainer>> all_trainers(const TrainingHost& host) {
  std::vector<std::unique_ptr<Trainer>> trainers;
  trainers.push_back(std::make_unique<LinearTrainer>(LinearKind::Logistic));
  trainers.push_back(std::make_unique<LinearTrainer>(LinearKind::Ridge));
  trainers.push_back(std::make_unique<LightgbmTrainer>(host));
  return trainers;
}

Result<std::unique_ptr<Trainer>> find_trainer(std::string_view name, const TrainingHost& host) {
  for (std::unique_ptr<Trainer>& trainer : all_trainers(host)) {
    if (trainer->name() == name) return std::move(trainer);
  }
  return not_found(fmt::format("there is no trainer \"{}\"{}; known are {}", name,
                               did_you_mean(name, trainer_names()), join(trainer_names(), ", ")));
}

}  // namespace martlet::models
