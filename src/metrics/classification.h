// metrics/classification.h: how good scores and decisions for a yes/no question are.
//
// Shapes: all spans of a call have one length; actual holds 0.0 or 1.0; score is the larger the
// likelier "1"; predicted holds 0.0 or 1.0; weight is empty (all ones) or holds non-negative
// numbers, a weight of k counting exactly as k repetitions of the row. What isn't defined on the
// given rows (no rows, one class only) is NaN, never a made-up number. Lengths that differ and NaN
// among the inputs are the caller's mistake (MARTLET_CHECK on lengths). Pure functions and
// immutable values; thread-safe. Figures equal scikit-learn 1.9.1.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace martlet::metrics {

// Weighted counts of the four outcomes.
struct Confusion {
  double true_positive = 0;
  double false_positive = 0;
  double true_negative = 0;
  double false_negative = 0;

  double total() const { return true_positive + false_positive + true_negative + false_negative; }
  double accuracy() const;        // NaN of nothing
  double precision() const;       // 0 when nothing is predicted positive (zero_division=0)
  double recall() const;          // 0 when nothing is positive
  double f1() const;              // 0 when neither
  double selection_rate() const;  // share predicted positive
  double base_rate() const;       // share of positives
  bool operator==(const Confusion&) const = default;
};

Confusion confusion(std::span<const double> actual, std::span<const double> predicted,
                    std::span<const double> weight = {});
// predicted = score >= threshold (DESIGN §12.8).
Confusion confusion_at(std::span<const double> actual, std::span<const double> score,
                       double threshold, std::span<const double> weight = {});
std::vector<double> decide(std::span<const double> score, double threshold);

// Mean of -ln of the probability given to what happened; scores are clipped to [ε, 1-ε], ε = 2⁻⁵².
double log_loss(std::span<const double> actual, std::span<const double> score,
                std::span<const double> weight = {});
// Mean of (score - actual)².
double brier(std::span<const double> actual, std::span<const double> score,
             std::span<const double> weight = {});
double row_log_loss(double actual, double score);

struct RocPoint {
  double threshold;  // +infinity at the first point, (0, 0)
  double false_positive_rate;
  double true_positive_rate;
};
struct PrecisionRecallPoint {
  double threshold;
  double precision;
  double recall;
};

// Rows sorted by score once, so that the rank metrics can be had again and again under other
// weights (the bootstrap) without sorting. O(n log n) to make, O(n) per metric. Keeps copies;
// refers to nothing.
class RankedScores {
 public:
  RankedScores(std::span<const double> actual, std::span<const double> score);

  std::size_t size() const { return order_.size(); }
  // Row numbers by falling score; equal scores in the order of the rows.
  std::span<const std::uint32_t> order() const { return order_; }

  // Area under the ROC curve: the probability that a positive scores above a negative, ties
  // counting half. NaN with one class only.
  double auc() const { return auc(unit_weights(), order_); }
  // Σ (R_k - R_{k-1}) P_k over the distinct scores from above (a step function, no interpolation).
  // NaN without positives.
  double average_precision() const { return average_precision(unit_weights(), order_); }

  // The same with weights looked up through a table: the row at place i of order() weighs
  // table[index[i]]. With index = order() the table holds one weight a row; the bootstrap passes
  // the rows' blocks.
  double auc(std::span<const double> table, std::span<const std::uint32_t> index) const;
  double average_precision(std::span<const double> table,
                           std::span<const std::uint32_t> index) const;

  // One point per distinct score, from the highest.
  std::vector<RocPoint> roc_curve() const;
  std::vector<PrecisionRecallPoint> precision_recall_curve() const;

 private:
  std::vector<double> unit_weights() const { return std::vector<double>(order_.size(), 1.0); }
  std::vector<std::uint32_t> order_;
  std::vector<std::uint8_t> positive_;  // in that order
  std::vector<std::uint8_t> tie_ends_;  // 1 at the last of equal scores
  std::vector<double> score_;           // in that order
};

double auc(std::span<const double> actual, std::span<const double> score,
           std::span<const double> weight = {});
double average_precision(std::span<const double> actual, std::span<const double> score,
                         std::span<const double> weight = {});

struct CalibrationBin {
  double low;  // scores in (low, high], the first bin closed
  double high;
  std::int64_t rows;
  double mean_score;      // NaN in an empty bin
  double positive_share;  // NaN in an empty bin
};
// Equal-width bins over [0, 1], as scikit-learn's calibration_curve has them; scores outside fall
// into the outer bins. Unweighted. bins >= 1.
std::vector<CalibrationBin> calibration_bins(std::span<const double> actual,
                                             std::span<const double> score, std::size_t bins);

}  // namespace martlet::metrics
