// metrics/curve.h: a line through many points, told with few.
//
// Pure functions; thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace martlet::metrics {

struct CurvePoint {
  double x = 0;
  double y = 0;
};

struct Thinned {
  std::vector<std::uint32_t>
      kept;  // places of the points that stay, ascending; both ends among them
  // How far the farthest of the others is from the line through those that stay, in shares of the
  // axes' ranges: 0 when only points on straight lines were left out.
  double deviation = 0;
};

// Keeps at most `most` (at least 2) of the points. Those that lie on a straight line between their
// neighbours go first, and cost nothing; then those that change the line least, on axes scaled to
// the points' ranges. Coordinates are finite. O(n · depth), at worst O(n · most). Source: D.
// Douglas, T. Peucker, "Algorithms for the reduction of the number of points required to represent
// a digitized line", Cartographica 10 (1973); refined greedily, farthest point first.
Thinned thin(std::span<const CurvePoint> points, std::size_t most);

}  // namespace martlet::metrics
