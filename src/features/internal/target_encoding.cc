#include "features/internal/target_encoding.h"

#include "features/internal/categories.h"
#include "features/internal/folds.h"
#include "features/internal/node_fit.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace martlet::features {
namespace {

struct Sums {
  std::array<double, kFolds> sum{};
  std::array<double, kFolds> count{};

  void add(std::size_t fold, double y) {
    sum[fold] += y;
    count[fold] += 1;
  }
  // Over all folds but one (kFolds leaves out none), always from the first to the last.
  double sum_without(int left_out) const { return total(sum, left_out); }
  double count_without(int left_out) const { return total(count, left_out); }

 private:
  static double total(const std::array<double, kFolds>& values, int left_out) {
    double total = 0;
    for (int fold = 0; fold < kFolds; ++fold)
      total += fold == left_out ? 0 : values[static_cast<std::size_t>(fold)];
    return total;
  }
};

double prior_of(const Sums& all, int left_out) {
  const double count = all.count_without(left_out);
  return count > 0 ? all.sum_without(left_out) / count : 0;
}

double estimate(const Sums& category, double prior, int left_out) {
  return (category.sum_without(left_out) + kTargetSmoothing * prior) /
         (category.count_without(left_out) + kTargetSmoothing);
}

}  // namespace

TargetEncoding encode_target(std::span<const int> codes, std::size_t categories,
                             std::span<const double> target, std::span<const std::uint8_t> folds,
                             int outputs) {
  const auto width = static_cast<std::size_t>(outputs);
  TargetEncoding result;
  result.encoded.resize(categories * width);
  result.encoded_missing.resize(width);
  result.prior.resize(width);
  result.out_of_fold.resize(codes.size() * width);
  for (std::size_t output = 0; output < width; ++output) {
    Sums all;
    std::vector<Sums> sums(categories + 1);  // the last one: missing
    for (std::size_t row = 0; row < codes.size(); ++row) {
      if (std::isnan(target[row])) continue;
      const double y =
          outputs == 1 ? target[row] : (target[row] == static_cast<double>(output) ? 1.0 : 0.0);
      all.add(folds[row], y);
      if (codes[row] != kUnseen)
        sums[codes[row] == kMissing ? categories : static_cast<std::size_t>(codes[row])].add(
            folds[row], y);
    }
    const double prior = prior_of(all, kFolds);
    result.prior[output] = prior;
    for (std::size_t category = 0; category < categories; ++category)
      result.encoded[category * width + output] = estimate(sums[category], prior, kFolds);
    result.encoded_missing[output] = estimate(sums[categories], prior, kFolds);

    std::array<double, kFolds> priors{};
    for (int fold = 0; fold < kFolds; ++fold)
      priors[static_cast<std::size_t>(fold)] =
          all.count_without(fold) > 0 ? prior_of(all, fold) : prior;
    for (std::size_t row = 0; row < codes.size(); ++row) {
      const int fold = folds[row];
      const double fold_prior = priors[folds[row]];
      double& value = result.out_of_fold[row * width + output];
      value = codes[row] == kUnseen
                  ? fold_prior
                  : estimate(sums[codes[row] == kMissing ? categories
                                                         : static_cast<std::size_t>(codes[row])],
                             fold_prior, fold);
    }
  }
  return result;
}

}  // namespace martlet::features
