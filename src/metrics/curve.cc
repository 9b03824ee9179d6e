#include "metrics/curve.h"

#include "base/result.h"

#include <algorithm>
#include <cmath>
#include <queue>

namespace martlet::metrics {

namespace {

// Rounding puts points of a straight line this far from it, in shares of the axes' range.
constexpr double kStraight = 1e-12;

struct Scales {
  double x = 1;
  double y = 1;
};

Scales scales_of(std::span<const CurvePoint> points) {
  const auto range = [&](double CurvePoint::* field) {
    double low = points.front().*field;
    double high = low;
    for (const CurvePoint& point : points) {
      low = std::min(low, point.*field);
      high = std::max(high, point.*field);
    }
    return high > low ? high - low : 1.0;
  };
  return {range(&CurvePoint::x), range(&CurvePoint::y)};
}

// From the segment a–b, in shares of the axes' range.
double distance(const CurvePoint& p, const CurvePoint& a, const CurvePoint& b,
                const Scales& scale) {
  const double dx = (b.x - a.x) / scale.x;
  const double dy = (b.y - a.y) / scale.y;
  const double px = (p.x - a.x) / scale.x;
  const double py = (p.y - a.y) / scale.y;
  const double length = dx * dx + dy * dy;
  const double along = length > 0 ? std::clamp((px * dx + py * dy) / length, 0.0, 1.0) : 0.0;
  return std::hypot(px - along * dx, py - along * dy);
}

// A stretch between two kept points, and the point of it that is farthest from their line.
struct Stretch {
  double distance = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t farthest = 0;
  // The order of the queue: farthest first, then the earlier one.
  bool operator<(const Stretch& other) const {
    return distance != other.distance ? distance < other.distance : begin > other.begin;
  }
};

Stretch stretch_of(std::span<const CurvePoint> points, std::uint32_t begin, std::uint32_t end,
                   const Scales& scale) {
  Stretch stretch{0, begin, end, begin};
  for (std::uint32_t i = begin + 1; i < end; ++i) {
    const double here = distance(points[i], points[begin], points[end], scale);
    if (here > stretch.distance) {
      stretch.distance = here;
      stretch.farthest = i;
    }
  }
  return stretch;
}

}  // namespace

Thinned thin(std::span<const CurvePoint> points, std::size_t most) {
  MARTLET_CHECK(most >= 2, "a line has two ends");
  Thinned result;
  if (points.size() <= 2) {
    for (std::uint32_t i = 0; i < points.size(); ++i) result.kept.push_back(i);
    return result;
  }
  const Scales scale = scales_of(points);
  const auto last = static_cast<std::uint32_t>(points.size() - 1);
  result.kept = {0, last};
  std::priority_queue<Stretch> open;
  open.push(stretch_of(points, 0, last, scale));
  while (result.kept.size() < most && open.top().distance > kStraight) {
    const Stretch widest = open.top();
    open.pop();
    result.kept.push_back(widest.farthest);
    open.push(stretch_of(points, widest.begin, widest.farthest, scale));
    open.push(stretch_of(points, widest.farthest, widest.end, scale));
  }
  const double left = open.top().distance;
  result.deviation = left > kStraight ? left : 0.0;
  std::sort(result.kept.begin(), result.kept.end());
  return result;
}

}  // namespace martlet::metrics
