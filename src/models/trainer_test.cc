#include "base/file_system.h"
#include "base/random.h"
#include "models/internal/training_spec.h"
#include "models/trainer.h"
#include "models/training_child.h"
#include "platform/process.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <unistd.h>

namespace martlet::models {
namespace {

struct Rows {
  features::Matrix matrix;
  std::vector<double> labels, weights;
};

// An amount, an amount that is missing now and then, and a category; the label depends on all
// three.
Rows make_rows(std::size_t count, std::uint64_t seed) {
  SeededRandom random(seed);
  Rows rows;
  rows.matrix.columns = {{.name = "wind speed [m/s]"},
                         {.name = "größe"},
                         {.name = "carrier", .categorical = true, .categories = 6}};
  rows.matrix.rows = count;
  for (std::size_t i = 0; i < count; ++i) {
    const double wind = random.normal();
    const double size =
        random.uniform() < 0.2 ? std::numeric_limits<double>::quiet_NaN() : random.normal();
    const auto carrier = static_cast<double>(random.below(6));
    rows.matrix.values.insert(rows.matrix.values.end(), {wind, size, carrier});
    const double z = wind + (std::isnan(size) ? 1 : -size) + (carrier == 2 ? 2 : 0) - 0.5;
    rows.labels.push_back(random.uniform() < 1 / (1 + std::exp(-2 * z)) ? 1 : 0);
    rows.weights.push_back(1 + static_cast<double>(i % 3));
  }
  return rows;
}

class TrainingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = platform::TemporaryDirectory::create();
    ASSERT_TRUE(made.has_value());
    directory_.emplace(std::move(*made));
    auto host = training_host(files_, directory_->path());
    ASSERT_TRUE(host.has_value());
    host_ = *host;
    if (!files_.exists(host_.lightgbm_library))
      GTEST_SKIP() << "SKIPPED LOUDLY: no " << host_.lightgbm_library;
    train_ = make_rows(3000, 1);
    validation_ = make_rows(800, 2);
    request_.train = {.matrix = &train_.matrix, .labels = train_.labels};
    request_.parameters = {{"rounds", 30}, {"num_leaves", 8}};
    request_.seed = 7;
  }

  Result<TrainedModel> train(std::string_view name) {
    auto trainer = find_trainer(name, host_);
    if (!trainer.has_value()) return fail(trainer.error());
    auto model = (*trainer)->train(request_);
    const auto left = files_.list(directory_->path());
    EXPECT_TRUE(left.has_value() && left->empty()) << "the scratch folder must be empty again";
    return model;
  }
  void expect_refused(std::string_view name, ErrorCode code, std::string_view part) {
    const auto model = train(name);
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().code(), code) << model.error().message();
    EXPECT_NE(model.error().message().find(part), std::string::npos) << model.error().message();
  }

  platform::RealFileSystem files_;
  std::optional<platform::TemporaryDirectory> directory_;
  TrainingHost host_;
  Rows train_, validation_;
  TrainRequest request_;
};

double accuracy(const Predictor& predictor, const Rows& rows) {
  std::vector<double> score(rows.matrix.rows);
  predictor.scores(rows.matrix.values, rows.matrix.width(), score);
  double right = 0;
  for (std::size_t i = 0; i < score.size(); ++i)
    right += (score[i] >= 0.5) == (rows.labels[i] == 1) ? 1 : 0;
  return right / static_cast<double>(score.size());
}

TEST_F(TrainingTest, every_trainer_of_the_task_learns_from_the_rows) {
  for (const char* name : {"logistic", "lightgbm"}) {
    request_.parameters = Json::object();
    const auto model = train(name);
    ASSERT_TRUE(model.has_value()) << model.error().message();
    EXPECT_EQ(model->flavour, name);
    EXPECT_GT(accuracy(*model->predictor, validation_),
              name == std::string("lightgbm") ? 0.78 : 0.65);
  }
}

TEST_F(TrainingTest, the_bytes_do_not_depend_on_the_number_of_threads) {
  request_.validation = {.matrix = &validation_.matrix, .labels = validation_.labels};
  request_.parameters.update(
      {{"bagging_fraction", 0.7}, {"bagging_freq", 1}, {"feature_fraction", 0.7}});
  request_.train.weights = train_.weights;
  request_.threads = 1;
  const auto one = train("lightgbm");
  request_.threads = 2;
  const auto two = train("lightgbm");
  ASSERT_TRUE(one.has_value() && two.has_value());
  EXPECT_EQ(one->bytes, two->bytes);
  EXPECT_EQ(one->info, two->info);
  request_.seed = 8;
  const auto other = train("lightgbm");
  ASSERT_TRUE(other.has_value());
  EXPECT_NE(one->bytes, other->bytes);
}

TEST_F(TrainingTest, early_stopping_keeps_the_best_round_and_reports_progress) {
  request_.validation = {.matrix = &validation_.matrix, .labels = validation_.labels};
  request_.parameters = {
      {"rounds", 400}, {"learning_rate", 0.5}, {"early_stopping", 5}, {"metric", "auc"}};
  std::vector<TrainProgress> seen;
  request_.on_progress = [&](const TrainProgress& progress) { seen.push_back(progress); };
  const auto model = train("lightgbm");
  ASSERT_TRUE(model.has_value()) << model.error().message();
  const auto best = model->info["best_round"].get<int>();
  EXPECT_EQ(model->info["rounds"].get<int>(), best + 5);
  EXPECT_LT(best, 100);
  EXPECT_EQ(model->info["evaluations"].size(), static_cast<std::size_t>(best + 5));
  std::size_t trees = 0;
  for (std::size_t at = model->bytes.find("\nTree="); at != std::string::npos;
       at = model->bytes.find("\nTree=", at + 1))
    ++trees;
  EXPECT_EQ(trees, static_cast<std::size_t>(best));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front().metric, "auc");
  EXPECT_EQ(seen.front().rounds, 400);
  EXPECT_GT(seen.front().value, 0.5);
}

TEST_F(TrainingTest, regression_trains_on_its_own_losses) {
  request_.task = features::Task::Regression;
  for (std::size_t i = 0; i < train_.labels.size(); ++i)
    train_.labels[i] += 3 * std::fabs(train_.matrix.values[i * 3]);
  for (const char* objective :
       {"regression", "regression_l1", "huber", "quantile", "poisson", "tweedie"}) {
    request_.parameters = {{"rounds", 5}, {"objective", objective}};
    request_.validation = {.matrix = &train_.matrix, .labels = train_.labels};
    const auto model = train("lightgbm");
    ASSERT_TRUE(model.has_value()) << objective << model.error().message();
    EXPECT_EQ(model->info["evaluations"].size(), 5u);
  }
  request_.parameters = Json::object();
  EXPECT_TRUE(train("ridge").has_value());
  expect_refused("logistic", ErrorCode::InvalidArgument, "does not train regression");
}

TEST_F(TrainingTest, rows_that_teach_nothing_give_a_constant_model) {
  for (double& value : train_.matrix.values) value = 0;
  const auto model = train("lightgbm");
  ASSERT_TRUE(model.has_value()) << model.error().message();
  EXPECT_EQ(model->predictor->score(train_.matrix.row(0).data()),
            model->predictor->score(validation_.matrix.row(5).data()));
}

TEST_F(TrainingTest, what_cannot_be_trained_on_is_refused_with_all_findings) {
  request_.parameters = {
      {"num_leafs", 3}, {"learning_rate", -1}, {"rounds", 1.5}, {"metric", "aucc"}};
  expect_refused("lightgbm", ErrorCode::InvalidArgument, "did you mean \"num_leaves\"");
  EXPECT_EQ(train("lightgbm").error().findings().size(), 4u);
  request_.parameters = {{"objective", "poisson"}, {"metric", "rmse"}, {"boosting", "rf"}};
  EXPECT_EQ(train("lightgbm").error().findings().size(), 3u);
  request_.parameters = Json::object();
  request_.threads = 0;
  expect_refused("lightgbm", ErrorCode::InvalidArgument, "threads");
  request_.threads = 1;
  train_.labels[5] = std::numeric_limits<double>::quiet_NaN();
  expect_refused("lightgbm", ErrorCode::InvalidArgument, "missing or infinite");
  train_.labels[5] = 0.5;
  expect_refused("logistic", ErrorCode::InvalidArgument, "0 or 1");
  request_.train.labels = std::span(train_.labels).first(4);
  expect_refused("lightgbm", ErrorCode::InvalidArgument, "one label per row");
  expect_refused("lihgtgbm", ErrorCode::NotFound, "did you mean \"lightgbm\"");
}

TEST_F(TrainingTest, a_child_that_crashes_is_an_error_with_its_last_words) {
  host_.child_command[1] = "crash-child";
  expect_refused("lightgbm", ErrorCode::Internal, "last words: the roof is on fire");
  EXPECT_NE(train("lightgbm").error().message().find("signal"), std::string::npos);
}

TEST_F(TrainingTest, a_child_that_ends_without_a_model_is_an_error) {
  host_.child_command = {"/bin/true"};
  expect_refused("lightgbm", ErrorCode::NotFound, "training child left");
  host_.child_command = {"/nonexistent/martlet"};
  expect_refused("lightgbm", ErrorCode::NotFound, "/nonexistent/martlet");
}

TEST_F(TrainingTest, a_library_that_is_missing_is_named) {
  host_.lightgbm_library = "/nonexistent/lib_lightgbm.so";
  expect_refused("lightgbm", ErrorCode::Internal, "/nonexistent/lib_lightgbm.so");
}

TEST_F(TrainingTest, cancelling_and_the_deadline_end_a_child_that_hangs) {
  host_.child_command[1] = "hang-child";
  request_.deadline.at = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  expect_refused("lightgbm", ErrorCode::DeadlineExceeded, "longer than it may");
  request_.deadline = {};
  request_.cancel.cancel();
  expect_refused("lightgbm", ErrorCode::Cancelled, "cancelled");
}

TEST_F(TrainingTest, the_child_refuses_a_specification_that_was_cut_off_or_changed) {
  TrainingSpec settings;
  settings.features = {"a"};
  settings.rounds = 3;
  settings.metric = "auc";
  const std::vector<double> values = {1, 2}, labels = {0, 1};
  SpecView view;
  view.settings = &settings;
  view.train_values = values;
  view.train_labels = labels;
  const std::string path = directory_->path() + "/spec", changed = directory_->path() + "/changed";
  ASSERT_TRUE(write_spec(files_, path, view).has_value());
  const auto whole = read_spec(files_, path);
  ASSERT_TRUE(whole.has_value()) << whole.error().message();
  EXPECT_EQ(whole->rounds, 3);
  EXPECT_EQ(whole->train.values, std::string(reinterpret_cast<const char*>(values.data()), 16));
  const std::string bytes = *files_.read_file(path);
  const auto refused = [&](std::string_view content) {
    static_cast<void>(files_.remove(changed));
    auto file = files_.create_new(changed);
    EXPECT_TRUE((*file)->append(content).has_value());
    return !read_spec(files_, changed).has_value();
  };
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    EXPECT_TRUE(refused(bytes.substr(0, size))) << size;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::string other = bytes;
    other[i] = static_cast<char>(other[i] ^ 0x41);
    EXPECT_TRUE(refused(other)) << i;
  }
  EXPECT_TRUE(refused(bytes + "x"));
  EXPECT_EQ(run_training_child({changed, "--library", host_.lightgbm_library}), 1);
  EXPECT_EQ(run_training_child({"nonsense"}), 2);
  static_cast<void>(files_.remove(changed));
  static_cast<void>(files_.remove(path));
}

}  // namespace
}  // namespace martlet::models

// The test program is its own training child, so that a real process boundary lies in between.
int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "train-child") return martlet::models::run_training_child({argv + 2, argv + argc});
  if (verb == "crash-child") {
    std::fputs("the roof is on fire\n", stderr);
    std::abort();
  }
  if (verb == "hang-child") {
    for (;;) ::pause();
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
