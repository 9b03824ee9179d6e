// models/trainer.h: fits a model to a matrix. One implementation per kind of model; all_trainers()
// lists them.
//
// Trainers are stateless and thread-safe. What they are given is only read during the call. Called
// by lifecycle's training step, tuning (through lifecycle) and retraining. The trained model has
// been read back through load_predictor(), so what comes out can be served.
#pragma once
#include "base/cancel.h"
#include "base/finding.h"
#include "base/json.h"
#include "base/result.h"
#include "features/matrix.h"
#include "features/task.h"
#include "models/parameters.h"
#include "models/predictor.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet {
class FileSystem;
}

namespace martlet::models {

struct LabelledRows {
  const features::Matrix* matrix = nullptr;
  std::span<const double> labels = {};   // one per row; 0 or 1 for Task::Binary
  std::span<const double> weights = {};  // empty, or one per row, >= 0
};

struct TrainProgress {
  int round = 0;   // 1-based
  int rounds = 0;  // at most
  std::string metric = {};
  double value = 0;  // of the metric, on the validation rows
};

struct TrainRequest {
  features::Task task = features::Task::Binary;
  LabelledRows train = {};
  // For early stopping only; without a matrix there is none. Never the rows that a gate or the
  // champion test looks at.
  LabelledRows validation = {};
  Json parameters = Json::object();  // by parameters_of(name()); what is absent takes its default
  std::uint64_t seed = 0;
  int threads = 1;  // >= 1; the model doesn't depend on it
  CancelToken cancel = {};
  Deadline deadline = {};
  std::function<void(const TrainProgress&)> on_progress = {};  // called on the calling thread
};

struct TrainedModel {
  std::string flavour;    // for load_predictor()
  std::string file_name;  // "model.txt", "model.json": within the package's model/
  std::string bytes;
  Json info;  // {"rounds", "best_round", "metric", "evaluations": [...]}, as far as the trainer
              // knows
  std::shared_ptr<const Predictor> predictor;
};

class Trainer {
 public:
  virtual ~Trainer() = default;
  virtual std::string_view name() const = 0;
  // How the feature program has to prepare the rows.
  virtual features::Family family() const = 0;
  virtual bool supports(features::Task task) const = 0;
  // InvalidArgument for rows, labels or parameters that can't be trained on; Cancelled;
  // DeadlineExceeded; ResourceExhausted for lack of memory; Unavailable when the trainer's library
  // can't be loaded; Internal with the last words of a child that crashed.
  virtual Result<TrainedModel> train(const TrainRequest& request) const = 0;
};

// Where trainers that run in a child process find what they need.
struct TrainingHost {
  FileSystem* files = nullptr;  // outlives the trainers
  std::vector<std::string>
      child_command;  // {"/path/of/martlet", "train-child"}: must call run_training_child()
  std::string lightgbm_library;   // full path of lib_lightgbm.so
  std::string scratch_directory;  // must exist; a folder is made in it per training, and removed
};

// {self, "train-child"}, ../lib/lib_lightgbm.so beside the program, scratch in `scratch_directory`.
Result<TrainingHost> training_host(FileSystem& files, std::string scratch_directory);

// Of the LightGBM that this program was built for ("4.7.0"): recorded in runs.
std::string lightgbm_version();

// logistic, ridge, lightgbm.
std::vector<std::unique_ptr<Trainer>> all_trainers(const TrainingHost& host);
// NotFound, with the nearest name.
Result<std::unique_ptr<Trainer>> find_trainer(std::string_view name, const TrainingHost& host);

// The checks that every trainer makes first: shapes, labels of the task, weights, parameters (all
// findings at once).
Result<void> check_request(const Trainer& trainer, const TrainRequest& request);

}  // namespace martlet::models
