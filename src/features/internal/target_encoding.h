// Target encoding with an m-estimate, out of fold for the rows that it's learnt from. Internal to
// features.
//
// A category's value is (Σ y + m·prior) / (n + m) over the rows of that category whose target is
// known; prior is the mean target of all of them, m = kTargetSmoothing. Out of fold, both sums and
// the prior leave out the row's own fold. Missing is a category of its own; what was never seen has
// the prior. Source: D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical
// attributes", SIGKDD Explorations 3(1), 2001, eq. (4) with λ(n) = n/(n+m).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace martlet::features {

struct TargetEncoding {
  std::vector<double> encoded;          // categories × outputs
  std::vector<double> encoded_missing;  // outputs
  std::vector<double> prior;            // outputs
  std::vector<double> out_of_fold;      // rows × outputs
};

// `codes`: one a row, below `categories`, or kMissing or kUnseen. `outputs`: 1 (mean of the
// target), or the number of classes (one mean each of "target is that class").
TargetEncoding encode_target(std::span<const int> codes, std::size_t categories,
                             std::span<const double> target, std::span<const std::uint8_t> folds,
                             int outputs);

}  // namespace martlet::features
