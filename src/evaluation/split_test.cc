#include "base/random.h"
#include "evaluation/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace martlet::evaluation {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

Batch table(std::vector<std::int64_t> id, std::vector<std::int64_t> time,
            std::vector<std::string> group) {
  return Batch(Schema({{"id", Type::Int64}, {"at", Type::Timestamp}, {"group", Type::Text}}),
               {Column::of_int64s(std::move(id)), Column::of_timestamps(std::move(time)),
                Column::of_texts(group)});
}

Batch many(int rows) {
  std::vector<std::int64_t> id(static_cast<std::size_t>(rows));
  std::iota(id.begin(), id.end(), 0);
  std::vector<std::int64_t> time;
  std::vector<std::string> group;
  for (int i = 0; i < rows; ++i) {
    time.push_back((i * 7919) % rows / 3);  // three rows a time
    group.push_back("g" + std::to_string(i % 17));
  }
  return table(id, time, group);
}

const SplitColumns kNames{.time = "at", .key = {"id"}};

SplitConfig by_column(std::string column) {
  SplitConfig config;
  config.column = std::move(column);
  return config;
}

TEST(Split, time_keeps_the_past_in_training_and_never_divides_a_moment) {
  const Batch rows = many(1000);
  const Split split = make_split({}, SplitKind::Time, rows, kNames, {}).value();
  const auto at = [&](std::uint32_t row) { return rows.find("at")->int64s()[row]; };
  const auto latest = [&](Part part) {
    std::int64_t value = -1;
    for (const auto row : split.rows_of(part)) value = std::max(value, at(row));
    return value;
  };
  const auto earliest = [&](Part part) {
    std::int64_t value = 1 << 30;
    for (const auto row : split.rows_of(part)) value = std::min(value, at(row));
    return value;
  };
  EXPECT_LT(latest(Part::Train), earliest(Part::Validation));
  EXPECT_LT(latest(Part::Validation), earliest(Part::Test));
  EXPECT_NEAR(static_cast<double>(split.count(Part::Train)), 700, 3);
  EXPECT_NEAR(static_cast<double>(split.count(Part::Test)), 150, 3);
}

TEST(Split, a_tie_at_a_cut_goes_to_the_later_part_unless_that_empties_the_earlier) {
  SplitConfig thirds;
  thirds.train = thirds.validation = thirds.test = 1.0 / 3;
  const Batch rows = table({0, 1, 2, 3, 4, 5}, {1, 2, 2, 3, 4, 5}, {"", "", "", "", "", ""});
  const Split split = make_split(thirds, SplitKind::Time, rows, kNames, {}).value();
  EXPECT_EQ(split.parts, (std::vector<Part>{Part::Train, Part::Validation, Part::Validation,
                                            Part::Validation, Part::Test, Part::Test}));
  const Batch crowded = table({0, 1, 2, 3, 4, 5}, {1, 1, 1, 3, 4, 5}, {"", "", "", "", "", ""});
  EXPECT_EQ(make_split(thirds, SplitKind::Time, crowded, kNames, {})->count(Part::Train), 3U);
}

TEST(Split, time_refuses_missing_times_and_columns_that_are_none) {
  const Batch missing(Schema({{"at", Type::Timestamp}}), {Column::of_timestamps({1, 2}, {1, 0})});
  EXPECT_FALSE(make_split({}, SplitKind::Time, missing, kNames, {}).has_value());
  EXPECT_FALSE(
      make_split({}, SplitKind::Time, many(10), {.time = "group", .key = {}}, {}).has_value());
  EXPECT_FALSE(make_split({}, SplitKind::Time, many(10), {.time = "", .key = {}}, {}).has_value());
}

TEST(Split, random_shares_are_exact_and_seeded) {
  SplitConfig config;
  config.seed = 3;
  const Split one = make_split(config, SplitKind::Random, many(1000), kNames, {}).value();
  EXPECT_EQ(one.count(Part::Train), 700U);
  EXPECT_EQ(one.count(Part::Validation), 150U);
  EXPECT_EQ(one.parts, make_split(config, SplitKind::Random, many(1000), kNames, {})->parts);
  config.seed = 4;
  EXPECT_NE(one.parts, make_split(config, SplitKind::Random, many(1000), kNames, {})->parts);
}

TEST(Split, with_a_key_the_order_of_the_rows_does_not_matter) {
  const Batch rows = many(300);
  std::vector<std::uint32_t> shuffled(300);
  std::iota(shuffled.begin(), shuffled.end(), 0U);
  SeededRandom random(5);
  for (std::size_t i = shuffled.size(); i > 1; --i)
    std::swap(shuffled[i - 1], shuffled[random.below(i)]);
  const Split straight = make_split({}, SplitKind::Random, rows, kNames, {}).value();
  const Split mixed = make_split({}, SplitKind::Random, rows.take(shuffled), kNames, {}).value();
  for (std::size_t i = 0; i < shuffled.size(); ++i)
    EXPECT_EQ(mixed.parts[i], straight.parts[shuffled[i]]);
}

TEST(Split, stratified_parts_have_the_same_share_of_positives) {
  const Batch rows = many(1000);
  std::vector<double> target(1000);
  for (std::size_t i = 0; i < target.size(); ++i)
    target[i] = i % 50 == 0 ? std::nan("") : i % 10 == 3 ? 1.0 : 0.0;
  const Split split = make_split({}, SplitKind::Stratified, rows, kNames, target).value();
  for (const auto& [part, expected] :
       {std::pair(Part::Train, 70), std::pair(Part::Validation, 15), std::pair(Part::Test, 15)}) {
    int positives = 0;
    for (const auto row : split.rows_of(part)) positives += target[row] == 1.0 ? 1 : 0;
    EXPECT_EQ(positives, expected);
  }
  target[5] = 7;
  EXPECT_FALSE(make_split({}, SplitKind::Stratified, rows, kNames, target).has_value());
}

TEST(Split, groups_are_never_divided) {
  const Batch rows = many(1700);
  const Split split = make_split(by_column("group"), SplitKind::Group, rows, kNames, {}).value();
  std::map<std::string, Part> seen;
  for (std::size_t i = 0; i < split.parts.size(); ++i) {
    const auto [found, is_new] =
        seen.try_emplace(std::string(rows.find("group")->text(i)), split.parts[i]);
    EXPECT_EQ(found->second, split.parts[i]);
  }
  EXPECT_NEAR(static_cast<double>(split.count(Part::Train)), 1190, 100);
}

TEST(Split, a_column_may_name_the_parts) {
  const Batch rows = table({0, 1, 2}, {0, 0, 0}, {"test", "train", "validation"});
  EXPECT_EQ(make_split(by_column("group"), SplitKind::Column, rows, kNames, {})->parts,
            (std::vector<Part>{Part::Test, Part::Train, Part::Validation}));
  const auto wrong =
      make_split(by_column("group"), SplitKind::Column, table({0}, {0}, {"tset"}), kNames, {});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_NE(wrong.error().message().find("tset"), std::string::npos);
}

TEST(Split, a_part_without_rows_is_refused) {
  EXPECT_FALSE(make_split({}, SplitKind::Random, many(2), kNames, {}).has_value());
}

TEST(Folds, time_trains_on_the_past_only) {
  const Batch rows = many(600);
  const auto folds = make_folds(5, SplitKind::Time, {}, rows, kNames, {}).value();
  ASSERT_EQ(folds.size(), 5U);
  const auto times = rows.find("at")->int64s();
  std::size_t before = 0;
  for (const Fold& fold : folds) {
    std::int64_t latest = -1;
    for (const auto row : fold.train) latest = std::max(latest, times[row]);
    for (const auto row : fold.test) EXPECT_GT(times[row], latest);
    EXPECT_GT(fold.train.size(), before);
    before = fold.train.size();
  }
  EXPECT_EQ(folds.back().train.size() + folds.back().test.size(), 600U);
}

TEST(Folds, others_test_each_row_once) {
  const Batch rows = many(120);
  std::vector<double> target(120);
  for (std::size_t i = 0; i < target.size(); ++i) target[i] = i % 4 == 0 ? 1.0 : 0.0;
  for (const SplitKind kind : {SplitKind::Random, SplitKind::Stratified, SplitKind::Group}) {
    std::vector<int> tested(120, 0);
    const auto folds = make_folds(4, kind, by_column("group"), rows, kNames, target).value();
    for (const Fold& fold : folds) {
      EXPECT_EQ(fold.train.size() + fold.test.size(), 120U);
      for (const auto row : fold.test) ++tested[row];
    }
    EXPECT_EQ(std::count(tested.begin(), tested.end(), 1), 120) << name_of(kind);
  }
}

TEST(Folds, too_few_rows_or_folds_are_refused) {
  EXPECT_FALSE(make_folds(1, SplitKind::Random, {}, many(10), kNames, {}).has_value());
  EXPECT_FALSE(make_folds(5, SplitKind::Random, {}, many(3), kNames, {}).has_value());
  EXPECT_FALSE(make_folds(2, SplitKind::Column, {}, many(10), kNames, {}).has_value());
}

}  // namespace
}  // namespace martlet::evaluation
