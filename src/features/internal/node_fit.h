// Learns one node from a column of the training rows. Internal to features.
#pragma once
#include "features/internal/node.h"

#include <span>
#include <string>
#include <vector>

namespace martlet::features {

// Limits of `encode: auto` (docs/features.md).
inline constexpr std::size_t kMaxCodes =
    255;  // categories as codes for trees; LightGBM has as many bins
inline constexpr std::size_t kMaxOneHot =
    128;  // also the number of columns that one_hot makes at most, but other and missing
inline constexpr double kTargetSmoothing =
    10;  // m of the m-estimate: the prior weighs as much as so many rows

struct NodeFitContext {
  Family family = Family::Tree;
  Task task = Task::Binary;
  Zone zone = Zone::utc();
  std::string time;                     // problem.time
  std::span<const double> target;       // one a training row
  std::span<const std::uint8_t> folds;  // one a training row
};

struct FittedNode {
  std::optional<Node> node;
  std::vector<double> encoded;  // Target: rows × outputs, out of fold
  std::string left_out;         // why there's no node although nobody asked to leave the column out
};

// `config`: what martlet.yaml says of this column, or nullptr. Problems become findings.
FittedNode fit_node(const std::string& column, const columns::Column& training,
                    const ColumnConfig* config, const NodeFitContext& context,
                    std::vector<Finding>& findings);

}  // namespace martlet::features
