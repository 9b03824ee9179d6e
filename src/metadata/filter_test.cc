#include "metadata/filter.h"

#include <gtest/gtest.h>

namespace martlet::metadata {
namespace {

FilterClause only(std::string_view text) {
  auto clauses = parse_filter(text);
  if (!clauses.has_value()) {
    ADD_FAILURE() << text << ": " << clauses.error().message();
    return {};
  }
  EXPECT_EQ(clauses->size(), 1u) << text;
  return clauses->empty() ? FilterClause{} : clauses->front();
}

TEST(Filter, an_empty_text_finds_everything) {
  EXPECT_TRUE(parse_filter("")->empty());
  EXPECT_TRUE(parse_filter(" \n\t ")->empty());
}

TEST(Filter, names_have_an_entity_and_a_key_or_just_a_key) {
  EXPECT_EQ(only("metrics.auc > 1").name.entity, "metrics");
  EXPECT_EQ(only("metrics.auc > 1").name.key, "auc");
  EXPECT_EQ(only("METRIC.AUC > 1").name.entity, "metric");
  EXPECT_EQ(only("METRIC.AUC > 1").name.key, "AUC");
  EXPECT_EQ(only("start_time > 1").name.entity, "");
  EXPECT_EQ(only("start_time > 1").name.key, "start_time");
}

TEST(Filter, keys_with_blanks_dots_and_quotes_are_written_in_quotes) {
  EXPECT_EQ(only("metrics.`my loss`>1").name.key, "my loss");
  EXPECT_EQ(only("tags.\"a b\" = 'x'").name.key, "a b");
  EXPECT_EQ(only("tags.mlflow.source.name = 'x'").name.key, "mlflow.source.name");
  EXPECT_EQ(only("metrics.val/loss-1:2 = 3").name.key, "val/loss-1:2");
  EXPECT_EQ(only("params.`a``b` = 'x'").name.key, "a`b");
  EXPECT_EQ(only("`run name` = 'x'").name.key, "run name");
  EXPECT_EQ(only("metrics.größe = 1").name.key, "größe");
}

TEST(Filter, every_comparator_is_read_in_any_case) {
  using enum Comparator;
  const std::vector<std::pair<std::string_view, Comparator>> cases{
      {"a.b = 'x'", Equal},
      {"a.b != 'x'", NotEqual},
      {"a.b <> 'x'", NotEqual},
      {"a.b<1", Less},
      {"a.b<=1", AtMost},
      {"a.b>1", Greater},
      {"a.b>=-1.5e3", AtLeast},
      {"a.b like '%x'", Like},
      {"a.b ILike '%x'", LikeIgnoringCase},
      {"a.b IN ('x','y')", In},
      {"a.b not  in ( 'x' )", NotIn},
      {"a.b is null", IsNull},
      {"a.b IS NOT NULL", IsNotNull}};
  for (const auto& [text, comparator] : cases) EXPECT_EQ(only(text).comparator, comparator) << text;
}

TEST(Filter, values_keep_what_stands_between_their_quotes) {
  EXPECT_EQ(only("a.b = 'it''s'").values.front().text, "it's");
  EXPECT_EQ(only("a.b = \"it's AND so\"").values.front().text, "it's AND so");
  EXPECT_EQ(only("a.b = '; drop table runs'").values.front().text, "; drop table runs");
  EXPECT_TRUE(only("a.b = ''").values.front().text.empty());
  EXPECT_FALSE(only("a.b = 1").values.front().quoted);
  EXPECT_EQ(only("a.b in ('x', \"y\",'z')").values.size(), 3u);
}

TEST(Filter, clauses_are_joined_by_and_in_any_case) {
  const auto clauses =
      parse_filter("metrics.a > 0.5 AND params.b='and'and tags.c is not null And attr.d in ('e')");
  ASSERT_TRUE(clauses.has_value()) << clauses.error().message();
  ASSERT_EQ(clauses->size(), 4u);
  EXPECT_EQ((*clauses)[1].values.front().text, "and");
  EXPECT_EQ((*clauses)[2].text, "tags.c is not null");
}

TEST(Filter, whatever_is_no_clause_is_refused_with_its_place) {
  for (const std::string_view text : {"metrics.a",
                                      "metrics.a >",
                                      "> 1",
                                      "metrics. > 1",
                                      "metrics.a > 1 AND",
                                      "AND metrics.a > 1",
                                      "metrics.a > 1 OR metrics.b > 1",
                                      "NOT metrics.a > 1",
                                      "(metrics.a > 1)",
                                      "metrics.a > 1;",
                                      "metrics.a = 1; select 1",
                                      "params.a = x",
                                      "params.a = 'x",
                                      "params.a = `x`",
                                      "params.a in 'x'",
                                      "params.a in ()",
                                      "params.a in ('x'",
                                      "params.a in ('x',)",
                                      "metrics.a > nan",
                                      "metrics.a > inf",
                                      "metrics.a > 1e999",
                                      "metrics.a > 0x10",
                                      "params.a is",
                                      "params.a is not",
                                      "params.a == 'x'",
                                      "metrics.a > 1 metrics.b > 2",
                                      "metrics.a.`b` = 1",
                                      "params.a not like 'x'"}) {
    const auto clauses = parse_filter(text);
    ASSERT_FALSE(clauses.has_value()) << text;
    EXPECT_EQ(clauses.error().code(), ErrorCode::InvalidArgument) << text;
    EXPECT_NE(clauses.error().message().find("Invalid clause(s) in filter string"),
              std::string::npos)
        << clauses.error().message();
  }
}

TEST(Filter, texts_that_no_person_writes_are_refused) {
  EXPECT_FALSE(parse_filter(std::string(100'000, ' ')).has_value());
  EXPECT_FALSE(parse_filter("a.b = '\xff'").has_value());
  EXPECT_FALSE(parse_filter(std::string_view("a.b = '\0'", 9)).has_value());
  std::string many = "a.b = 1";
  for (int i = 0; i < 1000; ++i) many += " and a.b = 1";
  EXPECT_FALSE(parse_filter(many).has_value());
}

TEST(Filter, orders_ascend_unless_they_say_otherwise) {
  EXPECT_EQ(parse_filter_order("metrics.auc")->order, Order::Ascending);
  EXPECT_EQ(parse_filter_order(" metrics.auc  ASC ")->order, Order::Ascending);
  EXPECT_EQ(parse_filter_order("metrics.`a b` desc")->order, Order::Descending);
  EXPECT_EQ(parse_filter_order("metrics.`a b` desc")->name.key, "a b");
  EXPECT_EQ(parse_filter_order("ascending desc")->name.key, "ascending");
  for (const std::string_view text : {"", "asc desc x", "metrics.a down", "metrics.a, metrics.b"})
    EXPECT_FALSE(parse_filter_order(text).has_value()) << text;
}

TEST(Filter, numbers_are_unquoted_and_integers_are_whole) {
  EXPECT_EQ(*filter_number(only("a.b = -1.5e3")), -1500.0);
  EXPECT_FALSE(filter_number(only("a.b = '1'")).has_value());
  EXPECT_EQ(*filter_integer(only("a.b = 9223372036854775807")),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(*filter_integer(only("a.b = 1e3")), 1000);
  EXPECT_FALSE(filter_integer(only("a.b = 1.5")).has_value());
  EXPECT_FALSE(filter_integer(only("a.b = 1e300")).has_value());
}

TEST(Filter, a_comparator_that_does_not_fit_is_refused_by_name) {
  EXPECT_FALSE(text_condition(only("a.b < 'x'"), "b").has_value());
  EXPECT_FALSE(text_condition(only("a.b = 1"), "b").has_value());
  EXPECT_FALSE(number_condition(only("a.b like 'x'"), "b").has_value());
  const auto refused = integer_condition(only("a.b in ('x')"), "b");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("Invalid comparator 'IN'"), std::string::npos);
}

}  // namespace
}  // namespace martlet::metadata
