#include "models/training_child.h"

#include "base/digest.h"
#include "base/result.h"
#include "metrics/classification.h"
#include "models/internal/training_spec.h"
#include "platform/real_file_system.h"

#include <LightGBM/c_api.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>

namespace martlet::models {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kProgressLines = 200;  // at most, so that a long training doesn't flood its parent

// The functions of lib_lightgbm.so that training needs, by the types of its own header. Open until
// the process ends.
struct LightgbmLibrary {
  decltype(&::LGBM_GetLastError) last_error = nullptr;
  decltype(&::LGBM_RegisterLogCallback) register_log = nullptr;
  decltype(&::LGBM_DatasetCreateFromMat) dataset_from_matrix = nullptr;
  decltype(&::LGBM_DatasetSetField) set_field = nullptr;
  decltype(&::LGBM_DatasetSetFeatureNames) set_feature_names = nullptr;
  decltype(&::LGBM_BoosterCreate) create_booster = nullptr;
  decltype(&::LGBM_BoosterAddValidData) add_validation = nullptr;
  decltype(&::LGBM_BoosterUpdateOneIter) update = nullptr;
  decltype(&::LGBM_BoosterGetPredict) get_predictions = nullptr;
  decltype(&::LGBM_BoosterSaveModelToString) save_model = nullptr;
  decltype(&::LGBM_BoosterFree) free_booster = nullptr;
  decltype(&::LGBM_DatasetFree) free_dataset = nullptr;

  static Result<LightgbmLibrary> open(const std::string& path) {
    void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      return unavailable(fmt::format("loading LightGBM from {}: {}; it needs the system's libgomp1",
                                     path, ::dlerror()));
    }
    LightgbmLibrary library;
    std::string missing;
    const auto find = [&](auto& function, const char* name) {
      void* const address = ::dlsym(handle, name);
      if (address == nullptr) missing = name;
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
    };
    find(library.last_error, "LGBM_GetLastError");
    find(library.register_log, "LGBM_RegisterLogCallback");
    find(library.dataset_from_matrix, "LGBM_DatasetCreateFromMat");
    find(library.set_field, "LGBM_DatasetSetField");
    find(library.set_feature_names, "LGBM_DatasetSetFeatureNames");
    find(library.create_booster, "LGBM_BoosterCreate");
    find(library.add_validation, "LGBM_BoosterAddValidData");
    find(library.update, "LGBM_BoosterUpdateOneIter");
    find(library.get_predictions, "LGBM_BoosterGetPredict");
    find(library.save_model, "LGBM_BoosterSaveModelToString");
    find(library.free_booster, "LGBM_BoosterFree");
    find(library.free_dataset, "LGBM_DatasetFree");
    if (!missing.empty())
      return unavailable(
          fmt::format("{} lacks the function {}; it is no LightGBM 4", path, missing));
    return library;
  }

  Result<void> check(int code, std::string_view doing) const {
    if (code == 0) return {};
    return internal_error(fmt::format("LightGBM, {}: {}", doing, last_error()));
  }
};

// Warnings and fatal errors only (verbosity -1 silences the rest).
void log_to_stderr(const char* line) { std::fputs(line, stderr); }

// The metric on the validation rows, summed in the order of the rows, so that early stopping
// doesn't depend on the number of threads.
double evaluate(const TrainingSpec& spec, std::span<const double> actual,
                std::span<const double> weights, std::span<const double> score) {
  if (spec.metric == "auc") return metrics::auc(actual, score, weights);
  if (spec.metric == "average_precision") return metrics::average_precision(actual, score, weights);
  if (spec.metric == "log_loss") return metrics::log_loss(actual, score, weights);
  double sum = 0, total = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double difference = actual[i] - score[i];
    const double weight = weights.empty() ? 1.0 : weights[i];
    total += weight;
    if (spec.metric == "rmse") sum += weight * difference * difference;
    if (spec.metric == "mae") sum += weight * std::fabs(difference);
    if (spec.metric == "pinball")
      sum += weight * difference * (difference >= 0 ? spec.alpha : spec.alpha - 1);
  }
  return spec.metric == "rmse" ? std::sqrt(sum / total) : sum / total;
}

bool larger_is_better(const std::string& metric) {
  return metric == "auc" || metric == "average_precision";
}

std::vector<double> doubles_of(const std::string& floats) {
  std::vector<double> values(floats.size() / sizeof(float));
  for (std::size_t i = 0; i < values.size(); ++i) {
    float value = 0;
    std::memcpy(&value, floats.data() + i * sizeof(float), sizeof(float));
    values[i] = static_cast<double>(value);
  }
  return values;
}

std::string settings_text(const TrainingSpec& spec) {
  std::string text;
  for (const std::string& setting : spec.settings) text += setting + " ";
  if (!spec.categorical.empty()) {
    text += "categorical_feature=";
    for (std::size_t i = 0; i < spec.categorical.size(); ++i) {
      text += (i == 0 ? "" : ",") + std::to_string(spec.categorical[i]);
    }
  }
  return text;
}

// One training, from datasets to the model's text. The library's handles live until the process
// ends.
class Training {
 public:
  Training(const LightgbmLibrary& library, TrainingSpec& spec) : library_(library), spec_(spec) {}

  ~Training() {
    if (booster_ != nullptr) library_.free_booster(booster_);
    if (validation_ != nullptr) library_.free_dataset(validation_);
    if (train_ != nullptr) library_.free_dataset(train_);
  }
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  Result<void> prepare() {
    settings_ = settings_text(spec_);
    MARTLET_TRY(make_dataset(spec_.train, nullptr, train_));
    std::vector<const char*> names;
    for (const std::string& name : spec_.features) names.push_back(name.c_str());
    MARTLET_TRY(library_.check(
        library_.set_feature_names(train_, names.data(), static_cast<int>(names.size())),
        "naming the features"));
    MARTLET_TRY(library_.check(library_.create_booster(train_, settings_.c_str(), &booster_),
                               "starting to train"));
    if (spec_.validation.rows == 0) return {};
    actual_ = doubles_of(spec_.validation.labels);
    weights_ = doubles_of(spec_.validation.weights);
    score_.resize(actual_.size());
    MARTLET_TRY(make_dataset(spec_.validation, train_, validation_));
    return library_.check(library_.add_validation(booster_, validation_),
                          "adding the validation rows");
  }

  Result<void> run() {
    const int step = std::max(1, spec_.rounds / kProgressLines);
    for (int round = 1; round <= spec_.rounds; ++round) {
      int finished = 0;
      MARTLET_TRY(library_.check(library_.update(booster_, &finished), "training"));
      if (finished != 0) break;  // no split gains anything any more
      rounds_ = round;
      if (spec_.validation.rows == 0) {
        best_round_ = round;
        if (round % step == 0) report(round, 0);
        continue;
      }
      MARTLET_TRY_SET(const double value, validate());
      evaluations_.push_back(value);
      if (round % step == 0) report(round, value);
      if (std::isnan(value))
        continue;  // not defined on these rows (one class only), so it can't tell when to stop
      if (best_round_ == 0 || (larger_is_better(spec_.metric) ? value > best_ : value < best_)) {
        best_ = value;
        best_round_ = round;
      } else if (spec_.early_stopping > 0 && round - best_round_ >= spec_.early_stopping) {
        break;
      }
    }
    if (spec_.early_stopping == 0 || best_round_ == 0) best_round_ = rounds_;
    return {};
  }

  Result<std::string> model() const {
    // Nothing could be learnt: then the file has the one constant tree that LightGBM made, or none.
    std::int64_t size = 0;
    const int rounds = best_round_ > 0 ? best_round_ : -1;
    MARTLET_TRY(library_.check(
        library_.save_model(booster_, 0, rounds, C_API_FEATURE_IMPORTANCE_GAIN, 0, &size, nullptr),
        "writing the model"));
    std::string text(static_cast<std::size_t>(size), '\0');
    MARTLET_TRY(
        library_.check(library_.save_model(booster_, 0, rounds, C_API_FEATURE_IMPORTANCE_GAIN, size,
                                           &size, text.data()),
                       "writing the model"));
    while (!text.empty() && text.back() == '\0') text.pop_back();
    return text;
  }

  Json result() const {
    return {{"rounds", rounds_},
            {"best_round", best_round_},
            {"metric", spec_.validation.rows == 0 ? "" : spec_.metric},
            {"evaluations", evaluations_}};
  }

 private:
  Result<void> make_dataset(SpecRows& rows, DatasetHandle reference, DatasetHandle& out) {
    MARTLET_TRY(library_.check(
        library_.dataset_from_matrix(rows.values.data(), C_API_DTYPE_FLOAT64,
                                     static_cast<std::int32_t>(rows.rows),
                                     static_cast<std::int32_t>(spec_.features.size()), 1,
                                     settings_.c_str(), reference, &out),
        "reading the rows"));
    rows.values = std::string();  // LightGBM keeps bins of its own
    MARTLET_TRY(library_.check(library_.set_field(out, "label", rows.labels.data(),
                                                  static_cast<int>(rows.rows), C_API_DTYPE_FLOAT32),
                               "reading the labels"));
    if (rows.weights.empty()) return {};
    return library_.check(library_.set_field(out, "weight", rows.weights.data(),
                                             static_cast<int>(rows.rows), C_API_DTYPE_FLOAT32),
                          "reading the weights");
  }

  Result<double> validate() {
    std::int64_t count = 0;
    MARTLET_TRY(
        library_.check(library_.get_predictions(booster_, 1, &count, score_.data()), "evaluating"));
    return evaluate(spec_, actual_, weights_, score_);
  }

  void report(int round, double value) const {
    const Json line = {{"round", round},
                       {"rounds", spec_.rounds},
                       {"metric", spec_.validation.rows == 0 ? "" : spec_.metric},
                       {"value", number_or_null(value)}};
    const std::string text = fmt::format("{}{}\n", kProgressPrefix, to_text(line));
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }

  const LightgbmLibrary& library_;
  TrainingSpec& spec_;
  std::string settings_;
  DatasetHandle train_ = nullptr, validation_ = nullptr;
  BoosterHandle booster_ = nullptr;
  std::vector<double> actual_, weights_, score_;
  std::vector<double> evaluations_;
  int rounds_ = 0, best_round_ = 0;
  double best_ = 0;
};

Result<void> write_new(FileSystem& files, const std::string& path, std::string_view bytes) {
  MARTLET_TRY_SET(const std::unique_ptr<File> file, files.create_new(path));
  MARTLET_TRY(file->append(bytes));
  return file->close();
}

Result<void> train(const std::string& spec_path, const std::string& library_path) {
  platform::RealFileSystem files;
  MARTLET_TRY_SET(TrainingSpec spec, read_spec(files, spec_path));
  MARTLET_TRY_SET(const LightgbmLibrary library, LightgbmLibrary::open(library_path));
  MARTLET_TRY(library.check(library.register_log(log_to_stderr), "setting up its log"));
  Training training(library, spec);
  MARTLET_TRY(training.prepare());
  MARTLET_TRY(training.run());
  MARTLET_TRY_SET(const std::string model, training.model());
  const std::string directory = parent_path(spec_path);
  MARTLET_TRY(write_new(files, join_path(directory, kModelFile), model));
  Json result = training.result();
  result["model_digest"] = digest_of(model).text();
  return write_new(files, join_path(directory, kResultFile), to_text(result));
}

}  // namespace

int run_training_child(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3 || arguments[1] != "--library") {
    std::fputs("train-child: usage: train-child SPEC --library PATH; martlet starts it by itself\n",
               stderr);
    return kUsage;
  }
  const Result<void> trained = train(arguments[0], arguments[2]);
  if (trained.has_value()) return 0;
  std::fputs((trained.error().message() + "\n").c_str(), stderr);
  return kFailed;
}

}  // namespace martlet::models
