#include "base/random.h"
#include "metrics/classification.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::metrics {
namespace {

// Sixty rows with tied scores, made by integer arithmetic so that Python makes the same ones.
// Expected values: scikit-learn 1.9.1.
struct Table {
  std::vector<double> actual, score, weight;
  Table() {
    for (int i = 0; i < 60; ++i) {
      const double positive = (i * i * 7 + i * 3) % 11 < 4 ? 1.0 : 0.0;
      actual.push_back(positive);
      score.push_back(std::round(((i * 37 % 23) / 22.0 * 0.8 + 0.1 * positive) * 1000) / 1000);
      weight.push_back(i % 4);
    }
  }
};

TEST(Classification, unweighted_figures_equal_scikit_learn) {
  const Table t;
  EXPECT_NEAR(auc(t.actual, t.score), 0.5622895622895623, 1e-14);
  EXPECT_NEAR(average_precision(t.actual, t.score), 0.6638847168202926, 1e-14);
  EXPECT_NEAR(log_loss(t.actual, t.score), 0.7837495422413717, 1e-14);
  EXPECT_NEAR(brier(t.actual, t.score), 0.2852294999999999, 1e-14);
  const Confusion counts = confusion_at(t.actual, t.score, 0.5);
  EXPECT_NEAR(counts.accuracy(), 0.5166666666666667, 1e-14);
  EXPECT_NEAR(counts.precision(), 0.5714285714285714, 1e-14);
  EXPECT_NEAR(counts.recall(), 0.48484848484848486, 1e-14);
  EXPECT_NEAR(counts.f1(), 0.5245901639344263, 1e-14);
}

TEST(Classification, weighted_figures_equal_scikit_learn) {
  const Table t;
  EXPECT_NEAR(auc(t.actual, t.score, t.weight), 0.5585, 1e-14);
  EXPECT_NEAR(average_precision(t.actual, t.score, t.weight), 0.6887878794660452, 1e-14);
  EXPECT_NEAR(log_loss(t.actual, t.score, t.weight), 0.7711379009175935, 1e-14);
  EXPECT_NEAR(brier(t.actual, t.score, t.weight), 0.2817092, 1e-14);
  const Confusion counts = confusion_at(t.actual, t.score, 0.5, t.weight);
  EXPECT_NEAR(counts.accuracy(), 0.5111111111111111, 1e-14);
  EXPECT_NEAR(counts.f1(), 0.5217391304347826, 1e-14);
}

TEST(Classification, a_weight_counts_as_repetitions) {
  const Table t;
  Table repeated;
  repeated.actual.clear();
  repeated.score.clear();
  for (std::size_t i = 0; i < t.actual.size(); ++i) {
    for (int k = 0; k < static_cast<int>(t.weight[i]); ++k) {
      repeated.actual.push_back(t.actual[i]);
      repeated.score.push_back(t.score[i]);
    }
  }
  EXPECT_NEAR(auc(t.actual, t.score, t.weight), auc(repeated.actual, repeated.score), 1e-14);
  EXPECT_NEAR(average_precision(t.actual, t.score, t.weight),
              average_precision(repeated.actual, repeated.score), 1e-14);
  EXPECT_EQ(confusion_at(t.actual, t.score, 0.4, t.weight),
            confusion_at(repeated.actual, repeated.score, 0.4));
}

TEST(Classification, certain_and_wrong_scores_cost_a_finite_log_loss) {
  const std::vector<double> actual{0, 1, 1, 0};
  const std::vector<double> score{0, 1, 0, 1};
  EXPECT_NEAR(log_loss(actual, score), 18.021826694558577, 1e-12);
}

TEST(Classification, turning_the_scores_around_turns_the_auc_around) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    std::vector<double> actual{0.0, 1.0};
    std::vector<double> score{0.5, 0.5};
    std::vector<double> turned{-0.5, -0.5};
    for (int i = 0; i < 50; ++i) {
      actual.push_back(static_cast<double>(random.below(2)));
      score.push_back(static_cast<double>(random.below(12)));
      turned.push_back(-score.back());
    }
    EXPECT_NEAR(auc(actual, score), 1.0 - auc(actual, turned), 1e-12) << "seed " << seed;
  }
}

TEST(Classification, one_class_alone_leaves_rank_metrics_undefined) {
  const std::vector<double> ones{1, 1, 1};
  const std::vector<double> zeros{0, 0, 0};
  const std::vector<double> score{0.1, 0.2, 0.3};
  EXPECT_TRUE(std::isnan(auc(ones, score)));
  EXPECT_TRUE(std::isnan(auc(zeros, score)));
  EXPECT_TRUE(std::isnan(average_precision(zeros, score)));
  EXPECT_EQ(average_precision(ones, score), 1.0);
  EXPECT_TRUE(std::isnan(log_loss({}, {})));
}

TEST(Classification, empty_denominators_give_zero_precision_and_recall) {
  const Confusion counts{.true_negative = 3};
  EXPECT_EQ(counts.precision(), 0.0);
  EXPECT_EQ(counts.recall(), 0.0);
  EXPECT_EQ(counts.f1(), 0.0);
  EXPECT_EQ(counts.accuracy(), 1.0);
}

TEST(Classification, a_score_at_the_threshold_is_predicted) {
  EXPECT_EQ(decide(std::vector<double>{0.49, 0.5, 0.51}, 0.5), (std::vector<double>{0, 1, 1}));
}

TEST(Classification, curves_equal_scikit_learn_without_dropped_points) {
  const Table t;
  const RankedScores ranked(std::span(t.actual).first(8), std::span(t.score).first(8));
  const auto roc = ranked.roc_curve();
  const std::vector<double> fpr{0, 1.0 / 3, 2.0 / 3, 1, 1, 1, 1, 1, 1};
  const std::vector<double> tpr{0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1.0};
  ASSERT_EQ(roc.size(), fpr.size());
  for (std::size_t i = 0; i < roc.size(); ++i) {
    EXPECT_NEAR(roc[i].false_positive_rate, fpr[i], 1e-15);
    EXPECT_NEAR(roc[i].true_positive_rate, tpr[i], 1e-15);
  }
  const auto curve = ranked.precision_recall_curve();
  const std::vector<double> precision{0, 0, 0, 0.25, 0.4, 0.5, 4.0 / 7, 0.625};
  ASSERT_EQ(curve.size(), precision.size());
  for (std::size_t i = 0; i < curve.size(); ++i)
    EXPECT_NEAR(curve[i].precision, precision[i], 1e-15);
  EXPECT_EQ(curve.back().threshold, 0.1);
}

TEST(Classification, calibration_bins_count_every_row_once) {
  const std::vector<double> actual{0, 1, 1, 0, 1};
  const std::vector<double> score{0.0, 0.5, 0.74, 0.25, 1.0};
  const auto bins = calibration_bins(actual, score, 4);
  ASSERT_EQ(bins.size(), 4U);
  EXPECT_EQ(bins[0].rows, 2);
  EXPECT_EQ(bins[0].positive_share, 0.0);
  EXPECT_NEAR(bins[0].mean_score, 0.125, 1e-15);
  EXPECT_EQ(bins[1].rows, 1);
  EXPECT_EQ(bins[2].rows, 1);
  EXPECT_EQ(bins[3].rows, 1);
}

TEST(Classification, calibration_equals_scikit_learn_also_for_scores_on_a_bound) {
  const Table t;
  std::vector<CalibrationBin> bins = calibration_bins(t.actual, t.score, 10);
  std::erase_if(bins, [](const CalibrationBin& bin) { return bin.rows == 0; });  // as it does
  const std::vector<double> share{0.3333333333333333,
                                  0.6,
                                  0.5555555555555556,
                                  0.5714285714285714,
                                  0.7142857142857143,
                                  0.2857142857142857,
                                  0.5714285714285714,
                                  0.5,
                                  1.0};
  const std::vector<double> mean{0.06366666666666666,
                                 0.1544,
                                 0.24955555555555556,
                                 0.35328571428571426,
                                 0.46628571428571425,
                                 0.5427142857142857,
                                 0.6545714285714286,
                                 0.759125,
                                 0.86375};
  ASSERT_EQ(bins.size(), share.size());
  for (std::size_t i = 0; i < bins.size(); ++i) {
    EXPECT_NEAR(bins[i].positive_share, share[i], 1e-14) << i;
    EXPECT_NEAR(bins[i].mean_score, mean[i], 1e-14) << i;
  }
}

TEST(Classification, curves_of_sixty_rows_equal_scikit_learn) {
  const Table t;
  const RankedScores ranked(t.actual, t.score);
  const auto roc = ranked.roc_curve();
  const auto curve = ranked.precision_recall_curve();
  // roc_curve(drop_intermediate=False) and precision_recall_curve, the latter turned around; some
  // of their points.
  struct Expected {
    std::size_t place;
    double threshold, fpr, tpr, precision;
  };
  for (const Expected& e :
       {Expected{1, 0.9, 0.0, 0.030303030303030304, 1.0},
        Expected{4, 0.8, 0.037037037037037035, 0.12121212121212122, 0.8},
        Expected{11, 0.682, 0.18518518518518517, 0.30303030303030304, 0.6666666666666666},
        Expected{21, 0.5, 0.4444444444444444, 0.48484848484848486, 0.5714285714285714},
        Expected{42, 0.1, 0.8518518518518519, 1.0, 0.5892857142857143},
        Expected{45, 0.0, 1.0, 1.0, 0.55}}) {
    EXPECT_EQ(roc[e.place].threshold, e.threshold);
    EXPECT_NEAR(roc[e.place].false_positive_rate, e.fpr, 1e-15);
    EXPECT_NEAR(roc[e.place].true_positive_rate, e.tpr, 1e-15);
    EXPECT_EQ(curve[e.place - 1].threshold, e.threshold);
    EXPECT_NEAR(curve[e.place - 1].precision, e.precision, 1e-15);
    EXPECT_NEAR(curve[e.place - 1].recall, e.tpr, 1e-15);
  }
  EXPECT_EQ(roc.size(), 46U);
  EXPECT_EQ(curve.size(), 45U);
}

}  // namespace
}  // namespace martlet::metrics
