#include "models/lightgbm_training.h"

#include "base/digest.h"
#include "base/file_system.h"
#include "models/internal/training_spec.h"
#include "platform/process.h"
#include "platform/real_file_system.h"

#include <cmath>
#include <set>

namespace martlet::models {
namespace {

constexpr std::string_view kName = "lightgbm";
constexpr std::size_t kWordsKept = 2000;  // bytes of the child's last words in our error

// Parameters that are ours, not LightGBM's.
bool is_ours(std::string_view name) {
  return name == "rounds" || name == "early_stopping" || name == "metric" || name == "objective";
}

std::string objective_of(const TrainRequest& request) {
  const std::string given = choice_parameter(kName, request.parameters, "objective");
  if (!given.empty()) return given;
  return request.task == features::Task::Binary ? "binary" : "regression";
}

std::string metric_of(const TrainRequest& request, std::string_view objective) {
  const std::string given = choice_parameter(kName, request.parameters, "metric");
  if (!given.empty()) return given;
  if (request.task == features::Task::Binary) return "log_loss";
  if (objective == "quantile") return "pinball";
  if (objective == "regression_l1" || objective == "mape" || objective == "fair") return "mae";
  return "rmse";
}

// LightGBM refuses names with JSON's special characters, blanks and doubles; the feature program
// keeps the true ones.
std::vector<std::string> accepted_names(const std::vector<features::MatrixColumn>& columns) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const features::MatrixColumn& column : columns) {
    std::string name;
    for (const char c : column.name) {
      const bool refused = static_cast<unsigned char>(c) <= ' ' ||
                           std::string_view("\",:[]{}=\\\x7f").find(c) != std::string_view::npos;
      name.push_back(refused ? '_' : c);
    }
    if (name.empty()) name = "_";
    const std::string stem = name;
    for (int i = 2; !taken.insert(name).second; ++i) name = stem + "_" + std::to_string(i);
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<Finding> check_combination(const TrainRequest& request, std::string_view objective,
                                       std::string_view metric) {
  std::vector<Finding> findings;
  const auto report = [&](std::string_view name, std::string message) {
    findings.push_back({.path = std::string(name),
                        .rule = "wrong_value",
                        .message = std::move(message),
                        .file = {}});
  };
  const bool binary = request.task == features::Task::Binary;
  if ((objective == "binary" || objective == "cross_entropy") != binary) {
    report("objective", fmt::format("the objective {} does not fit a {} task", objective,
                                    features::name_of(request.task)));
  }
  const bool of_classes = metric == "log_loss" || metric == "auc" || metric == "average_precision";
  if (of_classes != binary) {
    report("metric", fmt::format("the metric {} does not fit a {} task", metric,
                                 features::name_of(request.task)));
  }
  const std::string boosting = choice_parameter(kName, request.parameters, "boosting");
  if (boosting == "rf" && (number_parameter(kName, request.parameters, "bagging_fraction") >= 1 ||
                           integer_parameter(kName, request.parameters, "bagging_freq") == 0)) {
    report("boosting", "a random forest needs bagging_freq >= 1 and bagging_fraction < 1");
  }
  if (boolean_parameter(kName, request.parameters, "is_unbalance") &&
      request.parameters.contains("scale_pos_weight")) {
    report("is_unbalance", "is_unbalance and scale_pos_weight exclude each other");
  }
  for (const double label : request.train.labels) {
    const bool positive_only = objective == "gamma";
    if ((positive_only && label <= 0) ||
        ((objective == "poisson" || objective == "tweedie") && label < 0)) {
      report("objective", fmt::format("the objective {} takes no {} targets", objective,
                                      positive_only ? "zero or negative" : "negative"));
      break;
    }
  }
  return findings;
}

TrainingSpec settings_of(const TrainRequest& request, std::string_view objective,
                         std::string_view metric) {
  TrainingSpec spec;
  const std::vector<features::MatrixColumn>& columns = request.train.matrix->columns;
  spec.features = accepted_names(columns);
  for (std::size_t j = 0; j < columns.size(); ++j) {
    if (columns[j].categorical) spec.categorical.push_back(j);
  }
  spec.metric = metric;
  spec.alpha = number_parameter(kName, request.parameters, "alpha");
  spec.rounds = static_cast<int>(integer_parameter(kName, request.parameters, "rounds"));
  // Dropout changes earlier trees, so that a forest cut back to its best round isn't the one that
  // was measured.
  const bool can_stop = choice_parameter(kName, request.parameters, "boosting") != "dart";
  if (request.validation.matrix != nullptr && can_stop) {
    spec.early_stopping =
        static_cast<int>(integer_parameter(kName, request.parameters, "early_stopping"));
  }
  // All parameters, defaults too: the model then doesn't depend on LightGBM's own.
  spec.settings = {fmt::format("objective={}", objective),
                   "metric=None",
                   "verbosity=-1",
                   "deterministic=true",
                   "force_col_wise=true",
                   fmt::format("seed={}", request.seed % 2147483647)};
  for (const Parameter& parameter : parameters_of(kName)) {
    if (is_ours(parameter.name)) continue;
    if (parameter.name == "scale_pos_weight" && !request.parameters.contains("scale_pos_weight"))
      continue;
    const auto given = request.parameters.find(parameter.name);
    std::string value(parameter.fallback);
    if (given != request.parameters.end()) {
      value = given->is_string() ? given->get<std::string>() : given->dump();
    }
    spec.settings.push_back(fmt::format("{}={}", parameter.name, value));
  }
  return spec;
}

std::string last_words(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() > kWordsKept) text = "…" + text.substr(text.size() - kWordsKept);
  return text.empty() ? "it left no message" : "its last words: " + text;
}

Error child_failure(const platform::ProcessResult& child) {
  const std::string what = fmt::format("training with LightGBM: the child process {}; {}",
                                       child.describe(), last_words(child.err));
  switch (child.end) {
    case platform::ProcessEnd::Cancelled:
      return {ErrorCode::Cancelled, "training with LightGBM was cancelled"};
    case platform::ProcessEnd::TimedOut:
      return {ErrorCode::DeadlineExceeded, "training with LightGBM took longer than it may; allow "
                                           "more time, or fewer rounds or leaves"};
    case platform::ProcessEnd::Exited:
    case platform::ProcessEnd::Signalled: break;
  }
  return {child.likely_out_of_memory ? ErrorCode::ResourceExhausted : ErrorCode::Internal, what};
}

void hand_on(std::string_view line, const std::function<void(const TrainProgress&)>& report) {
  if (!report || !line.starts_with(kProgressPrefix)) return;
  const auto json = parse_json(line.substr(kProgressPrefix.size()));
  if (!json.has_value()) return;
  TrainProgress progress;
  progress.round = json->value("round", 0);
  progress.rounds = json->value("rounds", 0);
  progress.metric = json->value("metric", std::string());
  if (const auto value = json->find("value"); value != json->end() && value->is_number())
    progress.value = value->get<double>();
  report(progress);
}

Result<TrainedModel> read_model(FileSystem& files, const std::string& directory) {
  MARTLET_TRY_SET(const std::string text, files.read_file(join_path(directory, kResultFile)));
  MARTLET_TRY_SET(Json info, parse_json(text));
  TrainedModel model;
  model.flavour = kName;
  model.file_name = kModelFile;
  MARTLET_TRY_SET(model.bytes, files.read_file(join_path(directory, kModelFile)));
  MARTLET_TRY_SET(const std::string digest,
                  text_member(info, "model_digest", "the training's result"));
  if (digest_of(model.bytes).text() != digest)
    return corrupt("the model file changed on its way from the training child");
  info.erase("model_digest");
  model.info = std::move(info);
  MARTLET_TRY_SET(model.predictor, load_predictor(model.flavour, model.bytes));
  return model;
}

}  // namespace

Result<TrainedModel> LightgbmTrainer::train(const TrainRequest& request) const {
  MARTLET_TRY(check_request(*this, request));
  const std::string objective = objective_of(request);
  const std::string metric = metric_of(request, objective);
  if (auto findings = check_combination(request, objective, metric); !findings.empty()) {
    return invalid("the parameters of lightgbm", std::move(findings));
  }
  MARTLET_TRY_SET(const platform::TemporaryDirectory scratch,
                  platform::TemporaryDirectory::create(host_.scratch_directory, "train-"));
  const TrainingSpec spec = settings_of(request, objective, metric);
  SpecView view;
  view.settings = &spec;
  view.train_values = request.train.matrix->values;
  view.train_labels = request.train.labels;
  view.train_weights = request.train.weights;
  if (request.validation.matrix != nullptr) {
    view.validation_values = request.validation.matrix->values;
    view.validation_labels = request.validation.labels;
    view.validation_weights = request.validation.weights;
  }
  const std::string spec_path = join_path(scratch.path(), kSpecFile);
  MARTLET_TRY(write_spec(*host_.files, spec_path, view));

  platform::ProcessOptions child;
  child.argv = host_.child_command;
  child.argv.insert(child.argv.end(), {spec_path, "--library", host_.lightgbm_library});
  // Threads that wait sleep: several trainings may share the cores.
  child.environment = {{"OMP_NUM_THREADS", std::to_string(request.threads)},
                       {"OMP_WAIT_POLICY", "PASSIVE"},
                       {"OMP_DYNAMIC", "FALSE"}};
  child.on_line = [&](platform::OutputStream stream, std::string_view line) {
    if (stream == platform::OutputStream::Out) hand_on(line, request.on_progress);
  };
  MARTLET_TRY_SET(const platform::ProcessResult result,
                  platform::run_process(child, request.deadline, request.cancel));
  if (!result.succeeded()) return fail(child_failure(result));
  auto model = read_model(*host_.files, scratch.path());
  if (!model.has_value())
    return fail(std::move(model).error().with_context("reading what the training child left"));
  return model;
}

}  // namespace martlet::models
