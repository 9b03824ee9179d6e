// The fit of models/linear_model.h. A row is kept sparse: its amounts, and for each category the
// one coefficient that it touches.
#include "models/linear_model.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <cmath>

namespace martlet::models {
namespace {

constexpr std::size_t kMaxCoefficients = 2048;  // a dense Hessian of 32 MiB
constexpr double kGradientPerRow = 1e-10;
constexpr double kLossNoise = 1e-12;  // of the loss, from summing it
constexpr std::size_t kRowsBetweenChecks = 1u << 16;

Result<void> check_stop(const LinearFitOptions& options) {
  if (options.cancel.cancelled())
    return fail(ErrorCode::Cancelled, "fitting the linear model was cancelled");
  if (options.deadline.at && std::chrono::steady_clock::now() >= *options.deadline.at) {
    return fail(ErrorCode::DeadlineExceeded, "fitting the linear model took longer than it may");
  }
  return {};
}

Result<void> check_input(LinearKind kind, const features::Matrix& matrix,
                         std::span<const double> labels, std::span<const double> weights,
                         const LinearFitOptions& options) {
  if (matrix.rows == 0)
    return invalid_argument("fitting a linear model: there are no training rows");
  if (labels.size() != matrix.rows)
    return invalid_argument("fitting a linear model: there must be one label per row");
  if (!weights.empty() && weights.size() != matrix.rows) {
    return invalid_argument("fitting a linear model: there must be one weight per row");
  }
  if (!(options.c > 0) || !std::isfinite(options.c))
    return invalid_argument("fitting a linear model: c must be positive and finite");
  double total = 0;
  for (const double weight : weights) {
    if (!(weight >= 0) || !std::isfinite(weight))
      return invalid_argument("fitting a linear model: weights must be finite and >= 0");
    total += weight;
  }
  if (!weights.empty() && !(total > 0))
    return invalid_argument("fitting a linear model: all weights are zero");
  bool zero = false, one = false;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!std::isfinite(labels[i]))
      return invalid_argument("fitting a linear model: a label is missing or infinite");
    if (kind == LinearKind::Ridge) continue;
    if (labels[i] != 0 && labels[i] != 1)
      return invalid_argument("fitting a logistic model: labels must be 0 or 1");
    if (!weights.empty() && weights[i] == 0) continue;
    (labels[i] == 0 ? zero : one) = true;
  }
  if (kind == LinearKind::Logistic && !(zero && one)) {
    return invalid_argument(
        "fitting a logistic model: all training rows have the same label; it takes both");
  }
  return {};
}

// Where each column's coefficients lie in the vector of all; the intercept comes last.
struct Layout {
  std::vector<LinearColumn> columns;
  std::vector<std::size_t> amounts, categories;  // columns
  std::vector<std::size_t> category_begin;       // per entry of `categories`
  std::size_t size = 0;                          // coefficients without the intercept
};

Result<Layout> lay_out(const features::Matrix& matrix, std::span<const double> weights,
                       bool standardise) {
  Layout layout;
  layout.columns.resize(matrix.width());
  for (std::size_t j = 0; j < matrix.width(); ++j) {
    LinearColumn& column = layout.columns[j];
    column.name = matrix.columns[j].name;
    if (matrix.columns[j].categorical) {
      column.category_coefficients.assign(
          static_cast<std::size_t>(std::max(1, matrix.columns[j].categories)), 0.0);
      layout.categories.push_back(j);
      continue;
    }
    layout.amounts.push_back(j);
    double sum = 0, count = 0;
    for (std::size_t i = 0; i < matrix.rows; ++i) {
      const double value = matrix.values[i * matrix.width() + j];
      if (std::isinf(value))
        return invalid_argument("fitting a linear model: the feature \"" + column.name +
                                "\" is infinite in some row");
      if (std::isnan(value)) continue;
      const double weight = weights.empty() ? 1.0 : weights[i];
      sum += weight * value;
      count += weight;
    }
    if (count > 0) column.fill = sum / count;
    if (!standardise) continue;
    double squares = 0;
    for (std::size_t i = 0; i < matrix.rows; ++i) {
      const double value = matrix.values[i * matrix.width() + j];
      if (std::isnan(value)) continue;
      squares +=
          (weights.empty() ? 1.0 : weights[i]) * (value - column.fill) * (value - column.fill);
    }
    const double deviation = count > 0 ? std::sqrt(squares / count) : 0.0;
    column.mean = column.fill;
    if (deviation > 0 && std::isfinite(deviation)) column.scale = deviation;
  }
  layout.size = layout.amounts.size();
  for (const std::size_t j : layout.categories) {
    layout.category_begin.push_back(layout.size);
    layout.size += layout.columns[j].category_coefficients.size();
  }
  if (layout.size > kMaxCoefficients) {
    return fail(ErrorCode::ResourceExhausted,
                fmt::format("fitting a linear model: {} coefficients are more than {}; encode "
                            "columns with many categories by "
                            "`target` or `hash`",
                            layout.size, kMaxCoefficients));
  }
  return layout;
}

// The rows as the solver sees them.
struct Rows {
  std::vector<double> amounts;        // prepared, rows × amount columns
  std::vector<std::int32_t> touched;  // rows × category columns: the coefficient, or -1
  std::size_t count = 0, amount_count = 0, category_count = 0;

  double dot(std::size_t i, const Eigen::VectorXd& beta) const {
    double sum = beta[beta.size() - 1];
    const double* const values = amounts.data() + i * amount_count;
    for (std::size_t a = 0; a < amount_count; ++a)
      sum += values[a] * beta[static_cast<Eigen::Index>(a)];
    const std::int32_t* const places = touched.data() + i * category_count;
    for (std::size_t c = 0; c < category_count; ++c) {
      if (places[c] >= 0) sum += beta[places[c]];
    }
    return sum;
  }
  void add_gradient(std::size_t i, double factor, Eigen::VectorXd& gradient) const {
    const double* const values = amounts.data() + i * amount_count;
    for (std::size_t a = 0; a < amount_count; ++a)
      gradient[static_cast<Eigen::Index>(a)] += factor * values[a];
    const std::int32_t* const places = touched.data() + i * category_count;
    for (std::size_t c = 0; c < category_count; ++c) {
      if (places[c] >= 0) gradient[places[c]] += factor;
    }
    gradient[gradient.size() - 1] += factor;
  }
  // The lower triangle only; coefficients of amounts come before those of categories, and the
  // intercept last.
  void add_hessian(std::size_t i, double factor, Eigen::MatrixXd& hessian) const {
    const Eigen::Index last = hessian.rows() - 1;
    const double* const values = amounts.data() + i * amount_count;
    const std::int32_t* const places = touched.data() + i * category_count;
    for (std::size_t a = 0; a < amount_count; ++a) {
      const double scaled = factor * values[a];
      const auto column = static_cast<Eigen::Index>(a);
      for (std::size_t b = a; b < amount_count; ++b)
        hessian(static_cast<Eigen::Index>(b), column) += scaled * values[b];
      for (std::size_t c = 0; c < category_count; ++c) {
        if (places[c] >= 0) hessian(places[c], column) += scaled;
      }
      hessian(last, column) += scaled;
    }
    for (std::size_t c = 0; c < category_count; ++c) {
      if (places[c] < 0) continue;
      for (std::size_t d = c; d < category_count; ++d) {
        if (places[d] >= 0) hessian(places[d], places[c]) += factor;
      }
      hessian(last, places[c]) += factor;
    }
    hessian(last, last) += factor;
  }
};

Rows prepare(const features::Matrix& matrix, const Layout& layout) {
  Rows rows;
  rows.count = matrix.rows;
  rows.amount_count = layout.amounts.size();
  rows.category_count = layout.categories.size();
  rows.amounts.resize(rows.count * rows.amount_count);
  rows.touched.resize(rows.count * rows.category_count);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double* const source = matrix.values.data() + i * matrix.width();
    for (std::size_t a = 0; a < rows.amount_count; ++a) {
      const LinearColumn& column = layout.columns[layout.amounts[a]];
      const double value = source[layout.amounts[a]];
      rows.amounts[i * rows.amount_count + a] =
          ((std::isnan(value) ? column.fill : value) - column.mean) / column.scale;
    }
    for (std::size_t c = 0; c < rows.category_count; ++c) {
      const double code = source[layout.categories[c]];
      const auto known =
          static_cast<double>(layout.columns[layout.categories[c]].category_coefficients.size());
      rows.touched[i * rows.category_count + c] =
          code >= 0 && code < known ? static_cast<std::int32_t>(layout.category_begin[c]) +
                                          static_cast<std::int32_t>(code)
                                    : -1;
    }
  }
  return rows;
}

double log1p_exp(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

// Half the penalty of all coefficients but the intercept.
double penalty(const Eigen::VectorXd& beta) {
  return 0.5 * beta.head(beta.size() - 1).squaredNorm();
}

class LogisticProblem {
 public:
  LogisticProblem(const Rows& rows, std::span<const double> labels, std::span<const double> weights,
                  double c)
      : rows_(rows), labels_(labels), weights_(weights), c_(c) {}

  double loss(const Eigen::VectorXd& beta) const {
    double sum = 0;
    for (std::size_t i = 0; i < rows_.count; ++i) {
      const double z = rows_.dot(i, beta);
      sum += weight(i) * (log1p_exp(z) - labels_[i] * z);
    }
    return sum + penalty(beta);
  }
  Result<void> derive(const Eigen::VectorXd& beta, Eigen::VectorXd& gradient,
                      Eigen::MatrixXd& hessian, const LinearFitOptions& options) const {
    gradient = beta;
    gradient[beta.size() - 1] = 0;
    hessian.setZero();
    hessian.diagonal().head(beta.size() - 1).setOnes();
    for (std::size_t i = 0; i < rows_.count; ++i) {
      if (i % kRowsBetweenChecks == 0) MARTLET_TRY(check_stop(options));
      const double p = 1 / (1 + std::exp(-rows_.dot(i, beta)));
      rows_.add_gradient(i, weight(i) * (p - labels_[i]), gradient);
      rows_.add_hessian(i, weight(i) * p * (1 - p), hessian);
    }
    return {};
  }

 private:
  double weight(std::size_t i) const { return weights_.empty() ? c_ : c_ * weights_[i]; }
  const Rows& rows_;
  std::span<const double> labels_, weights_;
  double c_;
};

Result<Eigen::VectorXd> solve_logistic(const Rows& rows, std::span<const double> labels,
                                       std::span<const double> weights, std::size_t size,
                                       const LinearFitOptions& options) {
  const auto width = static_cast<Eigen::Index>(size + 1);
  const LogisticProblem problem(rows, labels, weights, options.c);
  Eigen::VectorXd beta = Eigen::VectorXd::Zero(width), gradient(width);
  Eigen::MatrixXd hessian(width, width);
  const double enough =
      kGradientPerRow * std::max(1.0, static_cast<double>(rows.count) * options.c);
  double loss = problem.loss(beta);
  for (int iteration = 0; iteration < options.max_iterations; ++iteration) {
    MARTLET_TRY(problem.derive(beta, gradient, hessian, options));
    if (gradient.cwiseAbs().maxCoeff() <= enough) return beta;
    const Eigen::VectorXd step = hessian.selfadjointView<Eigen::Lower>().ldlt().solve(gradient);
    if (!step.allFinite())
      return internal_error("fitting a logistic model: the Newton step is not finite");
    double length = 1;
    Eigen::VectorXd candidate = beta - step;
    double candidate_loss = problem.loss(candidate);
    // Newton's step is a descent direction of a convex loss; halving it ends by rounding at the
    // latest. Near the end the loss can't tell the points apart any more, the gradient still can:
    // hence the allowance.
    const double acceptable = loss + kLossNoise * std::fabs(loss);
    for (int half = 0; half < 40 && !(candidate_loss <= acceptable); ++half) {
      length /= 2;
      candidate = beta - length * step;
      candidate_loss = problem.loss(candidate);
    }
    if (!(candidate_loss <= acceptable))
      return beta;  // no better point can be told apart in double
    beta = candidate;
    loss = candidate_loss;
  }
  return internal_error(fmt::format(
      "fitting a logistic model: no convergence in {} iterations; look for columns of extreme size",
      options.max_iterations));
}

Result<Eigen::VectorXd> solve_ridge(const Rows& rows, std::span<const double> labels,
                                    std::span<const double> weights, std::size_t size,
                                    const LinearFitOptions& options) {
  const auto width = static_cast<Eigen::Index>(size + 1);
  Eigen::VectorXd right = Eigen::VectorXd::Zero(width);
  Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(width, width);
  normal.diagonal().head(width - 1).setConstant(1 / options.c);
  double mean = 0, total = 0;
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double weight = weights.empty() ? 1.0 : weights[i];
    mean += weight * labels[i];
    total += weight;
  }
  mean /= total;  // taken off first, so that a large level costs no digits
  for (std::size_t i = 0; i < rows.count; ++i) {
    if (i % kRowsBetweenChecks == 0) MARTLET_TRY(check_stop(options));
    const double weight = weights.empty() ? 1.0 : weights[i];
    rows.add_gradient(i, weight * (labels[i] - mean), right);
    rows.add_hessian(i, weight, normal);
  }
  Eigen::VectorXd beta = normal.selfadjointView<Eigen::Lower>().ldlt().solve(right);
  if (!beta.allFinite())
    return internal_error("fitting a ridge model: the normal equations have no finite solution");
  beta[width - 1] += mean;
  return beta;
}

}  // namespace

Result<std::shared_ptr<const LinearModel>>
fit_linear(LinearKind kind, const features::Matrix& matrix, std::span<const double> labels,
           std::span<const double> weights, const LinearFitOptions& options) {
  MARTLET_CHECK(matrix.values.size() == matrix.rows * matrix.width(),
                "a matrix holds rows x width values");
  MARTLET_TRY(check_input(kind, matrix, labels, weights, options));
  MARTLET_TRY_SET(Layout layout, lay_out(matrix, weights, options.standardise));
  const Rows rows = prepare(matrix, layout);
  MARTLET_TRY_SET(const Eigen::VectorXd beta,
                  kind == LinearKind::Logistic
                      ? solve_logistic(rows, labels, weights, layout.size, options)
                      : solve_ridge(rows, labels, weights, layout.size, options));
  for (std::size_t a = 0; a < layout.amounts.size(); ++a) {
    layout.columns[layout.amounts[a]].coefficient = beta[static_cast<Eigen::Index>(a)];
  }
  for (std::size_t c = 0; c < layout.categories.size(); ++c) {
    std::vector<double>& coefficients = layout.columns[layout.categories[c]].category_coefficients;
    for (std::size_t k = 0; k < coefficients.size(); ++k) {
      coefficients[k] = beta[static_cast<Eigen::Index>(layout.category_begin[c] + k)];
    }
  }
  return std::make_shared<const LinearModel>(kind, beta[beta.size() - 1],
                                             std::move(layout.columns));
}

}  // namespace martlet::models
