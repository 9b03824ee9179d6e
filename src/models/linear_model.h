// models/linear_model.h: logistic and ridge regression: the model, and the fit.
//
// LinearModel is an immutable, thread-safe Predictor. Fitting is single-threaded and sums in the
// order of the rows, so that the same rows give the same bits. Amounts are standardised within the
// model and missing ones take the training mean; categories have a coefficient each, and a missing
// or unseen one adds nothing.
#pragma once
#include "base/cancel.h"
#include "base/json.h"
#include "base/result.h"
#include "features/matrix.h"
#include "models/predictor.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::models {

enum class LinearKind : std::uint8_t { Logistic, Ridge };

struct LinearColumn {
  std::string name;
  // An amount adds coefficient * ((value - mean) / scale), with `fill` for a missing value.
  double coefficient = 0, mean = 0, scale = 1, fill = 0;
  // A category (then non-empty): code k adds category_coefficients[k].
  std::vector<double> category_coefficients = {};
  bool categorical() const { return !category_coefficients.empty(); }
  bool operator==(const LinearColumn&) const = default;
};

class LinearModel final : public Predictor {
 public:
  LinearModel(LinearKind kind, double intercept, std::vector<LinearColumn> columns);
  // Reads to_bytes(). Corrupt when it is damaged; every number must be finite.
  static Result<std::shared_ptr<const LinearModel>> parse(std::string_view bytes);
  // JSON with exact doubles.
  std::string to_bytes() const;

  std::string_view flavour() const override {
    return kind_ == LinearKind::Logistic ? "logistic" : "ridge";
  }
  const std::vector<std::string>& inputs() const override { return inputs_; }
  Link link() const override;
  double raw_score(const double* row) const override;
  void raw_scores(std::span<const double> rows, std::size_t width,
                  std::span<double> out) const override;

  double intercept() const { return intercept_; }
  const std::vector<LinearColumn>& columns() const { return columns_; }

 private:
  LinearKind kind_;
  double intercept_;
  std::vector<LinearColumn> columns_;
  std::vector<std::string> inputs_;
};

struct LinearFitOptions {
  // Logistic: the weight of the data against the L2 penalty, as scikit-learn's C. Ridge: 1 / alpha.
  // > 0.
  double c = 1;
  bool standardise =
      true;  // amounts to mean 0 and deviation 1 before they are penalised alike; off: as they are
  int max_iterations = 100;
  CancelToken cancel = {};
  Deadline deadline = {};
};

// Fits by Newton's method with backtracking to a gradient of 1e-10 per row (logistic), or by one
// solve (ridge). The intercept isn't penalised. labels: one per row; 0 or 1 for logistic. weights:
// empty, or one per row, >= 0 with a positive sum.
//
// Errors: InvalidArgument for lengths that differ, labels or weights out of range, infinite
// features, a single class, no rows; ResourceExhausted beyond 2,048 coefficients; Cancelled;
// DeadlineExceeded; Internal when it doesn't converge. Source: the objectives are scikit-learn's: C
// Σ wᵢ log(1 + exp(-yᵢ zᵢ)) + ½‖β‖², and Σ wᵢ (yᵢ - zᵢ)² + alpha ‖β‖².
Result<std::shared_ptr<const LinearModel>>
fit_linear(LinearKind kind, const features::Matrix& matrix, std::span<const double> labels,
           std::span<const double> weights, const LinearFitOptions& options);

}  // namespace martlet::models
