#include "models/linear_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace martlet::models {
namespace {

struct Sample {
  features::Matrix matrix;
  std::vector<double> late, delay, weights;
};

// The rows of testdata/make_linear.py.
Sample sample() {
  std::uint64_t state = 1;
  const auto uniform = [&] {
    state = (state * 1103515245 + 12345) % 2147483648;
    return static_cast<double>(state) / 2147483648.0;
  };
  Sample made;
  made.matrix.columns = {
      {.name = "a"}, {.name = "b"}, {.name = "code", .categorical = true, .categories = 3}};
  made.matrix.rows = 200;
  for (int i = 0; i < 200; ++i) {
    const double a = uniform(), b = uniform(), c = uniform(), d = uniform();
    const double code = std::floor(d * 3);
    const double z = 2 * a - 3 * b + (code == 1 ? 0.7 : 0) - 0.2;
    made.matrix.values.insert(made.matrix.values.end(), {a, 100 * b, code});
    made.late.push_back(c < 1 / (1 + std::exp(-z)) ? 1 : 0);
    made.delay.push_back(z + c);
    made.weights.push_back(1 + std::floor(4 * d));
  }
  return made;
}

void expect_model(const Result<std::shared_ptr<const LinearModel>>& model, double intercept,
                  double a, double b, std::vector<double> code) {
  ASSERT_TRUE(model.has_value()) << model.error().message();
  EXPECT_NEAR((*model)->intercept(), intercept, 1e-9);
  EXPECT_NEAR((*model)->columns()[0].coefficient, a, 1e-9);
  EXPECT_NEAR((*model)->columns()[1].coefficient, b, 1e-9);
  for (std::size_t k = 0; k < 3; ++k)
    EXPECT_NEAR((*model)->columns()[2].category_coefficients[k], code[k], 1e-9);
}

// scikit-learn 1.9.1, LogisticRegression(C=1, solver="newton-cholesky", tol=1e-13) and
// Ridge(alpha=1), the category one-hot encoded.
TEST(LinearFit, coefficients_equal_scikit_learns) {
  const Sample s = sample();
  const LinearFitOptions plain{.standardise = false};
  expect_model(fit_linear(LinearKind::Logistic, s.matrix, s.late, {}, plain), 0.1733253924323958,
               1.3610121486556783, -0.031319975149447656,
               {-0.11183861530762983, 0.641783964470883, -0.5299453491632523});
  expect_model(fit_linear(LinearKind::Ridge, s.matrix, s.delay, {}, plain), 0.5901583918546497,
               1.9189765362870155, -0.029677810190901526,
               {-0.26164792585670643, 0.4480010789340051, -0.1863531530772252});
}

TEST(LinearFit, weighted_coefficients_equal_scikit_learns) {
  const Sample s = sample();
  const LinearFitOptions plain{.standardise = false};
  expect_model(fit_linear(LinearKind::Logistic, s.matrix, s.late, s.weights, plain),
               0.1548241424109792, 1.4678751572564968, -0.030905885451290263,
               {-0.04477036015272671, 0.6444975583260585, -0.5997271981733366});
  expect_model(fit_linear(LinearKind::Ridge, s.matrix, s.delay, s.weights, plain),
               0.5453429151802623, 2.0011963611474948, -0.029754388454335937,
               {-0.2761147963885776, 0.4643227971821143, -0.18820800079340858});
}

TEST(LinearFit, standardised_coefficients_equal_those_behind_a_standard_scaler) {
  const Sample s = sample();
  expect_model(fit_linear(LinearKind::Logistic, s.matrix, s.late, {}, {}), -0.7380291232332056,
               0.49682556257443533, -0.9220102809491099,
               {-0.1211932416690234, 0.6608530106797218, -0.539659769010696});
  expect_model(fit_linear(LinearKind::Ridge, s.matrix, s.delay, {}, {}), 0.05171352733372092,
               0.5653642905451878, -0.8726465610570012,
               {-0.2635197931298596, 0.45303778783075976, -0.1895179947008872});
}

TEST(LinearFit, the_same_rows_give_the_same_bytes) {
  const Sample s = sample();
  EXPECT_EQ((*fit_linear(LinearKind::Logistic, s.matrix, s.late, {}, {}))->to_bytes(),
            (*fit_linear(LinearKind::Logistic, s.matrix, s.late, {}, {}))->to_bytes());
}

TEST(LinearFit, a_missing_amount_scores_as_the_training_mean_and_an_unknown_category_as_none) {
  Sample s = sample();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  s.matrix.values[0] = nan;
  const auto model = *fit_linear(LinearKind::Logistic, s.matrix, s.late, {}, {});
  const double mean = model->columns()[0].mean;
  const double missing[] = {nan, 20, nan}, known[] = {mean, 20, 99}, negative[] = {mean, 20, -1};
  EXPECT_EQ(model->raw_score(missing), model->raw_score(known));
  EXPECT_EQ(model->raw_score(missing), model->raw_score(negative));
  EXPECT_GT(model->score(missing), 0);
  EXPECT_LT(model->score(missing), 1);
}

TEST(LinearFit, separable_classes_and_constant_columns_still_converge) {
  features::Matrix matrix;
  matrix.columns = {{.name = "x"}, {.name = "constant"}, {.name = "always_missing"}};
  matrix.rows = 6;
  std::vector<double> labels;
  for (int i = 0; i < 6; ++i) {
    matrix.values.insert(matrix.values.end(),
                         {i < 3 ? -1e9 : 1e9, 4.0, std::numeric_limits<double>::quiet_NaN()});
    labels.push_back(i < 3 ? 0 : 1);
  }
  const auto model = fit_linear(LinearKind::Logistic, matrix, labels, {}, {.c = 1e6});
  ASSERT_TRUE(model.has_value()) << model.error().message();
  EXPECT_GT((*model)->score(matrix.row(5).data()), 0.99);
  EXPECT_LT((*model)->score(matrix.row(0).data()), 0.01);
}

TEST(LinearFit, bad_input_is_refused) {
  Sample s = sample();
  const auto refused = [&](std::span<const double> labels, std::span<const double> weights,
                           LinearFitOptions options) {
    const auto model = fit_linear(LinearKind::Logistic, s.matrix, labels, weights, options);
    EXPECT_FALSE(model.has_value());
    return model.has_value() ? ErrorCode::Internal : model.error().code();
  };
  EXPECT_EQ(refused(std::span(s.late).first(10), {}, {}), ErrorCode::InvalidArgument);
  EXPECT_EQ(refused(s.delay, {}, {}), ErrorCode::InvalidArgument);
  EXPECT_EQ(refused(std::vector<double>(200, 1.0), {}, {}), ErrorCode::InvalidArgument);
  EXPECT_EQ(refused(s.late, std::vector<double>(200, -1.0), {}), ErrorCode::InvalidArgument);
  EXPECT_EQ(refused(s.late, std::vector<double>(200, 0.0), {}), ErrorCode::InvalidArgument);
  EXPECT_EQ(refused(s.late, {}, {.c = 0}), ErrorCode::InvalidArgument);
  LinearFitOptions cancelled;
  cancelled.cancel.cancel();
  EXPECT_EQ(refused(s.late, {}, cancelled), ErrorCode::Cancelled);
  LinearFitOptions late;
  late.deadline.at = std::chrono::steady_clock::time_point::min();
  EXPECT_EQ(refused(s.late, {}, late), ErrorCode::DeadlineExceeded);
  s.matrix.values[0] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(refused(s.late, {}, {}), ErrorCode::InvalidArgument);
  s.matrix.columns[2].categories = 5000;
  s.matrix.values[0] = 0;
  EXPECT_EQ(refused(s.late, {}, {}), ErrorCode::ResourceExhausted);
}

TEST(LinearModel, its_bytes_read_back_to_the_same_bits) {
  const Sample s = sample();
  const auto model = *fit_linear(LinearKind::Ridge, s.matrix, s.delay, {}, {});
  const auto again = LinearModel::parse(model->to_bytes());
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ((*again)->columns(), model->columns());
  EXPECT_EQ((*again)->intercept(), model->intercept());
  std::vector<double> out(200);
  (*again)->scores(s.matrix.values, 3, out);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(out[i], model->score(s.matrix.row(i).data()));
}

TEST(LinearModel, a_file_cut_off_or_changed_is_refused_as_corrupt_or_still_works) {
  const std::string bytes =
      LinearModel(LinearKind::Logistic, 0.5,
                  {{.name = "x", .coefficient = 2}, {.name = "c", .category_coefficients = {1, 2}}})
          .to_bytes();
  for (std::size_t size = 0; size + 2 < bytes.size(); ++size) {
    const auto model = LinearModel::parse(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().code(), ErrorCode::Corrupt);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const char replacement : {'9', '-', '"', '\0'}) {
      std::string changed = bytes;
      changed[i] = replacement;
      const auto model = LinearModel::parse(changed);
      if (!model.has_value()) {
        EXPECT_EQ(model.error().code(), ErrorCode::Corrupt);
        continue;
      }
      const std::vector<double> row((*model)->width(), 1.0);
      EXPECT_FALSE(std::isnan((*model)->raw_score(row.data())));
    }
  }
}

}  // namespace
}  // namespace martlet::models
