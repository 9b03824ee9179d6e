#include "features/internal/calendar.h"

#include <gtest/gtest.h>

namespace martlet::features {
namespace {

double part(CivilDate date, Part wanted) {
  return part_of(LocalMoment::of_days(days_from_civil(date)), wanted);
}

// Python 3.11: date.isocalendar(), timetuple().tm_yday, weekday()
TEST(Calendar, parts_of_dates_equal_pythons) {
  EXPECT_EQ(part({2012, 12, 31}, Part::Week), 1);
  EXPECT_EQ(part({2016, 1, 1}, Part::Week), 53);
  EXPECT_EQ(part({2013, 7, 4}, Part::Week), 27);
  EXPECT_EQ(part({2012, 12, 31}, Part::DayOfYear), 366);
  EXPECT_EQ(part({2013, 3, 1}, Part::DayOfYear), 60);
  EXPECT_EQ(part({2016, 1, 1}, Part::Weekday), 4);
  EXPECT_EQ(part({2013, 3, 10}, Part::Weekday), 6);
  EXPECT_EQ(part({2013, 9, 30}, Part::Quarter), 3);
  EXPECT_EQ(part({2013, 10, 1}, Part::Quarter), 4);
  EXPECT_EQ(part({1970, 1, 2}, Part::Date), 1);
  EXPECT_EQ(part({2013, 7, 4}, Part::Year), 2013);
}

TEST(Calendar, moments_before_1970_belong_to_the_day_that_they_are_in) {
  const LocalMoment moment = LocalMoment::of_micros(-30 * 60 * kMicrosPerSecond);
  EXPECT_EQ(moment.date, (CivilDate{1969, 12, 31}));
  EXPECT_EQ(part_of(moment, Part::Hour), 23);
  EXPECT_EQ(part_of(moment, Part::Minute), 30);
  EXPECT_EQ(part_of(moment, Part::Weekday), 2);
  EXPECT_EQ(part_of(moment, Part::Date), -1);
}

}  // namespace
}  // namespace martlet::features
