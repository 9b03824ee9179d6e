#include "lifecycle/lessons.h"
#include "lifecycle/live_loop_testing.h"
#include "lifecycle/truth_file.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::lifecycle {
namespace {

constexpr const char* kMonitoring = "monitoring: {windows: [1d], truth: {delay: 6h}}\n";

Lessons learn(ServedShop& shop) {
  Lessons lessons = gather_lessons(shop.store(), shop.project(), {}).value();
  return with_truth(shop.store(), shop.project(), shop.deployment(), std::move(lessons),
                    shop.clock().now())
      .value();
}

Result<monitoring::AcceptedTruth> tell(ServedShop& shop, const std::vector<std::string>& ids,
                                       const std::vector<double>& actual) {
  const columns::Batch rows(
      columns::Schema({{"id", columns::Type::Text}, {"good", columns::Type::Double}}),
      {columns::Column::of_texts(ids), columns::Column::of_doubles(actual)});
  return accept_truth_rows(shop.store(), shop.project(), registry::Environment::Experiment, rows);
}

TEST(Lessons, what_was_asked_and_turned_out_becomes_rows_behind_the_datasets) {
  ServedShop shop(kMonitoring);
  const std::size_t before = learn(shop).frame->rows.rows();
  EXPECT_EQ(before, 60u * 24u);
  shop.serve_day(0);
  const Lessons lessons = learn(shop);
  EXPECT_EQ(lessons.frame->rows.rows(), before + 24);
  EXPECT_EQ(lessons.known.size(), before + 24);
  EXPECT_TRUE(std::is_sorted(lessons.known.begin(), lessons.known.end(),
                             [&](std::uint32_t a, std::uint32_t b) {
                               return lessons.frame->times[a] < lessons.frame->times[b];
                             }));
  for (std::size_t row = before; row < before + 24; ++row) {
    EXPECT_FALSE(std::isnan(lessons.frame->actual[row]));
    EXPECT_FALSE(lessons.frame->rows.find("x")->is_missing(row));
    EXPECT_GE(lessons.frame->times[row], Timestamp{1'709'251'200'000'000}.micros);
  }
}

TEST(Lessons, a_truth_that_was_told_takes_the_datasets_place) {
  ServedShop shop(kMonitoring);
  const Lessons before = learn(shop);
  const double was = before.frame->actual[10];
  const std::string id(before.frame->rows.find("id")->cell(10).text);
  ASSERT_TRUE(tell(shop, {id}, {1 - was}).has_value());
  const Lessons after = learn(shop);
  EXPECT_EQ(after.frame->actual[10], 1 - was);
  EXPECT_EQ(after.known.size(), before.known.size());
  ASSERT_TRUE(tell(shop, {id}, {std::nan("")}).has_value());
  const Lessons never = learn(shop);
  EXPECT_TRUE(std::isnan(never.frame->actual[10]));
  EXPECT_EQ(never.known.size(), before.known.size() - 1);
}

TEST(Lessons, rows_that_are_not_due_yet_are_not_known_unless_they_were_told) {
  ServedShop shop(kMonitoring);
  shop.clock().set({Timestamp{1'709'251'200'000'000}.micros - kMicrosPerDay});  // a day earlier
  const Lessons lessons = learn(shop);
  // The last day, and six hours before it, are still to come.
  EXPECT_EQ(lessons.known.size(), 60u * 24u - 24u - 6u + 1u);
  const std::string last(lessons.frame->rows.find("id")->cell(60 * 24 - 1).text);
  ASSERT_TRUE(tell(shop, {last}, {1}).has_value());
  EXPECT_EQ(learn(shop).known.size(), lessons.known.size() + 1);
}

TEST(Lessons, the_truth_of_those_who_were_asked_about_comes_from_the_dataset) {
  ServedShop shop("monitoring: {windows: [1d], truth: {source: orders}}\n");
  const auto taken = take_truth_from_dataset(shop.store(), shop.project(), shop.deployment(),
                                             {"o-3", "o-2", "o5"}, shop.clock().now(), {});
  ASSERT_TRUE(taken.has_value()) << taken.error().message();
  EXPECT_EQ(taken->fresh, 2);  // the dataset knows nothing of o5
  EXPECT_EQ(shop.history().truths, 2);
}

TEST(TruthFile, columns_that_do_not_fit_and_rows_without_a_key_are_named) {
  ServedShop shop(kMonitoring);
  const auto accept = [&](const columns::Batch& rows) {
    return accept_truth_rows(shop.store(), shop.project(), registry::Environment::Experiment, rows);
  };
  const columns::Column ids = columns::Column::of_texts({"a", "b"});
  const columns::Column yes = columns::Column::of_bools({1, 0});
  const auto no_key =
      accept(columns::Batch(columns::Schema({{"good", columns::Type::Bool}}), {yes}));
  EXPECT_EQ(no_key.error().findings()[0].path, "id");
  const auto wrong_type = accept(
      columns::Batch(columns::Schema({{"id", columns::Type::Int64}, {"good", columns::Type::Bool}}),
                     {columns::Column::of_int64s({1, 2}), yes}));
  EXPECT_EQ(wrong_type.error().findings()[0].rule, "wrong_type");
  const auto no_target =
      accept(columns::Batch(columns::Schema({{"id", columns::Type::Text}}), {ids}));
  EXPECT_NE(no_target.error().message().find("good"), std::string::npos);
  const auto text = accept(columns::Batch(
      columns::Schema({{"id", columns::Type::Text}, {"good", columns::Type::Text}}), {ids, ids}));
  EXPECT_NE(text.error().message().find("problem.positive"), std::string::npos);
  const auto missing = accept(
      columns::Batch(columns::Schema({{"id", columns::Type::Text}, {"good", columns::Type::Bool}}),
                     {columns::Column::of_texts({"a", ""}, {1, 0}), yes}));
  EXPECT_EQ(missing.error().findings()[0].path, "row 2");
  EXPECT_EQ(shop.history().truths, 0);  // all or nothing
  const auto fine = accept(columns::Batch(
      columns::Schema({{"id", columns::Type::Text}, {"actual", columns::Type::Bool}}), {ids, yes}));
  EXPECT_EQ(fine->fresh, 2);
}

}  // namespace
}  // namespace martlet::lifecycle
