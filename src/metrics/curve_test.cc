#include "base/random.h"
#include "metrics/curve.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::metrics {
namespace {

TEST(Curve, points_on_straight_lines_go_and_cost_nothing) {
  std::vector<CurvePoint> points;
  for (int i = 0; i <= 1000; ++i) points.push_back({i / 1000.0, i < 500 ? i / 500.0 : 1.0});
  const Thinned thinned = thin(points, 400);
  EXPECT_EQ(thinned.kept, (std::vector<std::uint32_t>{0, 500, 1000}));
  EXPECT_EQ(thinned.deviation, 0.0);
}

TEST(Curve, a_staircase_keeps_every_corner_it_has_room_for) {
  std::vector<CurvePoint> points;
  for (int i = 0; i < 100; ++i) {
    points.push_back({i / 100.0, i / 100.0});
    points.push_back({i / 100.0, (i + 1) / 100.0});
  }
  EXPECT_EQ(thin(points, 400).kept.size(), points.size());
  const Thinned coarse = thin(points, 10);
  EXPECT_EQ(coarse.kept.size(), 10U);
  EXPECT_GT(coarse.deviation, 0.0);
  EXPECT_LT(coarse.deviation, 0.02);
}

TEST(Curve, both_ends_stay_whatever_the_room) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    std::vector<CurvePoint> points;
    for (int i = 0; i < 300; ++i)
      points.push_back({i * 1.0, static_cast<double>(random.below(1000))});
    for (const std::size_t most : {2U, 5U, 50U, 299U, 300U}) {
      const Thinned thinned = thin(points, most);
      EXPECT_LE(thinned.kept.size(), most) << "seed " << seed;
      EXPECT_EQ(thinned.kept.front(), 0U);
      EXPECT_EQ(thinned.kept.back(), 299U);
    }
    EXPECT_GT(thin(points, 5).deviation, 0.0);
    EXPECT_EQ(thin(points, 300).deviation, 0.0);
  }
}

TEST(Curve, short_lines_stay_as_they_are) {
  EXPECT_TRUE(thin({}, 2).kept.empty());
  const std::vector<CurvePoint> one{{1, 1}};
  EXPECT_EQ(thin(one, 2).kept.size(), 1U);
  const std::vector<CurvePoint> same{{1, 1}, {1, 1}, {1, 1}};
  EXPECT_EQ(thin(same, 2).kept, (std::vector<std::uint32_t>{0, 2}));
}

}  // namespace
}  // namespace martlet::metrics
