#include "base/zone.h"
#include "expr/expression.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

namespace martlet::expr {
namespace {

using columns::Cell;
using columns::Type;

Scope flights(std::string_view zone = "UTC") {
  return {columns::Schema({{"distance", Type::Int64},
                           {"speed", Type::Double},
                           {"carrier", Type::Text},
                           {"late", Type::Bool},
                           {"scheduled_at", Type::Timestamp},
                           {"day", Type::Date},
                           {"kpi.saving", Type::Double},
                           {"train.kpi.saving", Type::Double},
                           {"Odd name", Type::Int64}}),
          *Zone::find(zone)};
}

columns::Batch some_flights() {
  return columns::Batch(
      flights().names,
      {columns::Column::of_int64s({100, 0, 2475}, {1, 1, 0}),
       columns::Column::of_doubles({1.5, 2.5, 400}),
       columns::Column::of_texts(std::vector<std::string>{"UA", "DL", "B6"}),
       columns::Column::of_bools({1, 0, 1}),
       columns::Column::of_timestamps({0, 1364807700000000, 1}),
       columns::Column::of_dates({0, 15796, 1}), columns::Column::of_doubles({1, 2, 3}),
       columns::Column::of_doubles({4, 5, 6}), columns::Column::of_int64s({7, 8, 9})});
}

std::vector<Finding> findings_of(std::string_view text, const Scope& scope = flights()) {
  const Result<Expression> compiled = Expression::compile(text, scope);
  if (compiled.has_value()) {
    ADD_FAILURE() << text << " was accepted";
    return {};
  }
  EXPECT_EQ(compiled.error().code(), ErrorCode::InvalidArgument) << text;
  return compiled.error().findings();
}

// The only finding of a text.
Finding finding_of(std::string_view text, const Scope& scope = flights()) {
  const std::vector<Finding> findings = findings_of(text, scope);
  EXPECT_EQ(findings.size(), 1U) << text;
  return findings.empty() ? Finding{} : findings.front();
}

void expect_finding(std::string_view text, std::string_view rule, int column,
                    std::string_view part) {
  const Finding found = finding_of(text);
  EXPECT_EQ(found.rule, rule) << text << ": " << found.message;
  EXPECT_EQ(found.line, 1) << text;
  EXPECT_EQ(found.column, column) << text << ": " << found.message;
  EXPECT_NE(found.message.find(part), std::string::npos) << text << ": " << found.message;
}

Expression compiled(std::string_view text, const Scope& scope = flights()) {
  Result<Expression> expression = Expression::compile(text, scope);
  EXPECT_TRUE(expression.has_value())
      << text << ": " << (expression.has_value() ? "" : expression.error().message());
  return expression.has_value() ? *expression : *Expression::compile("null", scope);
}

// The value of an expression without names, as a person would write it.
std::string text_of(std::string_view text, std::string_view zone = "UTC") {
  Scratch scratch;
  const Expression expression = compiled(text, flights(zone));
  const Result<Cell> cell = expression.evaluate_row({}, scratch);
  EXPECT_TRUE(cell.has_value()) << text << ": " << (cell.has_value() ? "" : cell.error().message());
  return !cell.has_value() ? "error" : cell->missing ? "null" : columns::to_text(*cell);
}

TEST(Expression, names_may_have_dots_and_quotes_and_any_case) {
  const Expression expression =
      compiled("kpi.saving + train.kpi.saving + \"kpi.saving\" + \"Odd name\" + DISTANCE");
  EXPECT_EQ(expression.names_used(),
            (std::vector<std::string>{"kpi.saving", "train.kpi.saving", "Odd name", "distance"}));
  EXPECT_EQ(expression.type(), Type::Double);
  const columns::Column column = *expression.evaluate(some_flights());
  EXPECT_EQ(column.doubles()[0], 1 + 4 + 1 + 7 + 100);
  EXPECT_TRUE(column.is_missing(2));
}

TEST(Expression, a_name_in_two_spellings_must_be_written_exactly) {
  const Scope scope{columns::Schema({{"Delay", Type::Int64}, {"delay", Type::Int64}})};
  EXPECT_EQ(compiled("delay", scope).names_used().front(), "delay");
  const Finding found = finding_of("DELAY", scope);
  EXPECT_EQ(found.rule, "ambiguous_name");
}

TEST(Expression, a_bare_name_gives_the_column_itself) {
  EXPECT_TRUE(compiled("carrier").evaluate(some_flights())->equals(some_flights().column(2)));
}

TEST(Expression, an_empty_batch_gives_an_empty_column) {
  const columns::Column column = *compiled("distance * 2").evaluate(some_flights().slice(0, 0));
  EXPECT_EQ(column.size(), 0U);
  EXPECT_EQ(column.type(), Type::Int64);
}

TEST(Expression, a_constant_fills_the_column) {
  const columns::Column column = *compiled("'x' || 1").evaluate(some_flights());
  ASSERT_EQ(column.size(), 3U);
  EXPECT_EQ(column.text(2), "x1");
}

TEST(Expression, null_alone_is_an_integer_as_in_duckdb) {
  EXPECT_EQ(compiled("null").type(), Type::Int64);
  EXPECT_EQ(compiled("case when late then null end").type(), Type::Int64);
  EXPECT_EQ(text_of("coalesce(null, null)"), "null");
}

TEST(Expression, local_hours_follow_the_zone_through_both_changes_of_the_clocks) {
  // 2024-03-10 07:00Z is 03:00 in New York, an hour after 06:59:59Z, which is 01:59:59.
  EXPECT_EQ(text_of("hour(timestamp '2024-03-10T06:59:59Z')", "America/New_York"), "1");
  EXPECT_EQ(text_of("hour(timestamp '2024-03-10T07:00:00Z')", "America/New_York"), "3");
  EXPECT_EQ(text_of("hour(timestamp '2024-11-03T05:30:00Z')", "America/New_York"), "1");
  EXPECT_EQ(text_of("hour(timestamp '2024-11-03T06:30:00Z')", "America/New_York"), "1");
  EXPECT_EQ(text_of("hour(timestamp '2024-03-31T01:00:00Z')", "Europe/London"), "2");
}

TEST(Expression, bare_times_are_local_and_offsets_are_heeded) {
  EXPECT_EQ(text_of("timestamp '2024-01-01 12:00:00'", "America/New_York"), "2024-01-01T17:00:00Z");
  EXPECT_EQ(text_of("timestamp '2024-01-01 12:00:00+02:00'", "America/New_York"),
            "2024-01-01T10:00:00Z");
  EXPECT_EQ(text_of("cast(timestamp '2024-01-01T03:00:00Z' as date)", "America/New_York"),
            "2023-12-31");
  EXPECT_EQ(text_of("cast(timestamp '2024-01-01T03:00:00Z' as varchar)", "America/New_York"),
            "2023-12-31 22:00:00");
}

TEST(Expression, both_hours_of_an_autumn_night_stay_apart) {
  const std::string_view zone = "America/New_York";
  EXPECT_EQ(text_of("date_trunc('hour', timestamp '2024-11-03T05:30:00Z')", zone),
            "2024-11-03T05:00:00Z");
  EXPECT_EQ(text_of("date_trunc('hour', timestamp '2024-11-03T06:30:00Z')", zone),
            "2024-11-03T06:00:00Z");
  EXPECT_EQ(text_of("date_diff('hour', timestamp '2024-11-03T05:30:00Z', "
                    "timestamp '2024-11-03T06:30:00Z')",
                    zone),
            "1");
}

TEST(Expression, differences_of_instants_are_exact_time) {
  EXPECT_EQ(text_of("epoch(timestamp '2024-03-11T04:00:00Z' - timestamp '2024-03-10T05:00:00Z')",
                    "America/New_York"),
            "82800");
}

TEST(Expression, intervals_add_the_calendar_first_and_then_exact_time) {
  // A day later by the calendar, although only 23 hours pass.
  EXPECT_EQ(text_of("timestamp '2024-03-09 12:00:00' + interval 1 day", "America/New_York"),
            "2024-03-10T16:00:00Z");
  EXPECT_EQ(text_of("timestamp '2024-03-09 12:00:00' + interval 24 hours", "America/New_York"),
            "2024-03-10T17:00:00Z");
  EXPECT_EQ(
      text_of("timestamp '2024-03-10 03:00:00' - interval '1 day 4 hours'", "America/New_York"),
      "2024-03-09T04:00:00Z");
}

TEST(Expression, integer_overflow_names_the_row_and_the_operands) {
  const columns::Batch batch(
      columns::Schema({{"n", Type::Int64}}),
      {columns::Column::of_int64s({1, 2, std::numeric_limits<std::int64_t>::max(), 4})});
  const Expression expression = compiled("1 + n * 2", {batch.schema(), Zone::utc()});
  const Result<columns::Column> column = expression.evaluate(batch);
  ASSERT_FALSE(column.has_value());
  EXPECT_EQ(column.error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(column.error().message(),
            "evaluating \"1 + n * 2\" on row 3: *(9223372036854775807, 2) at line 1, column 7: the "
            "result is beyond the integers of 64 bits; cast an operand to double");
}

TEST(Expression, the_row_is_named_beyond_the_first_chunk_too) {
  std::vector<std::int64_t> values(5000, 1);
  values[4321] = std::numeric_limits<std::int64_t>::max();
  const columns::Batch batch(columns::Schema({{"n", Type::Int64}}),
                             {columns::Column::of_int64s(std::move(values))});
  const auto column = compiled("n + 1", {batch.schema(), Zone::utc()}).evaluate(batch);
  ASSERT_FALSE(column.has_value());
  EXPECT_NE(column.error().message().find("on row 4322:"), std::string::npos)
      << column.error().message();
}

TEST(Expression, a_failed_cast_shows_the_value_and_the_way_out) {
  Scratch scratch;
  const Cell cells[] = {Cell::of_text("twelve")};
  const Result<Cell> cell = compiled("cast(carrier as bigint)").evaluate_row(cells, scratch);
  ASSERT_FALSE(cell.has_value());
  EXPECT_NE(cell.error().message().find("('twelve')"), std::string::npos) << cell.error().message();
  EXPECT_NE(cell.error().message().find("try_cast"), std::string::npos) << cell.error().message();
}

TEST(Expression, what_a_row_does_not_reach_cannot_fail_in_it) {
  const columns::Batch batch(columns::Schema({{"s", Type::Text}, {"x", Type::Double}}),
                             {columns::Column::of_texts(std::vector<std::string>{"1", "none", "3"}),
                              columns::Column::of_doubles({4, -4, 9})});
  const Scope scope{batch.schema(), Zone::utc()};
  for (const std::string_view text :
       {"case when s <> 'none' then cast(s as bigint) end",
        "if(s = 'none', null, cast(s as bigint))",
        "case s when 'none' then null else cast(s as bigint) end",
        "coalesce(try_cast(s as bigint), nullif(0, cast('0' as bigint)))",
        "case when s <> 'none' and cast(s as bigint) > 0 then cast(s as bigint) end",
        "case when s = 'none' or cast(s as bigint) < 0 then null else cast(s as bigint) end",
        "case when x > 0 then cast(case when sqrt(x) > 0 then s end as bigint) end"}) {
    const auto column = compiled(text, scope).evaluate(batch);
    ASSERT_TRUE(column.has_value()) << text << ": " << column.error().message();
    EXPECT_EQ(column->int64s()[0], 1) << text;
    EXPECT_TRUE(column->is_missing(1)) << text;
    EXPECT_EQ(column->int64s()[2], 3) << text;
  }
}

TEST(Expression, a_constant_that_fails_does_so_only_where_it_is_reached) {
  Scratch scratch;
  const Expression expression = compiled("case when late then 1 else cast('x' as bigint) end");
  const Cell late[] = {Cell::of_bool(true)};
  const Cell early[] = {Cell::of_bool(false)};
  EXPECT_EQ(expression.evaluate_row(late, scratch)->integer, 1);
  EXPECT_FALSE(expression.evaluate_row(early, scratch).has_value());
}

TEST(Expression, a_missing_column_and_a_wrong_type_are_told_apart) {
  const Expression expression = compiled("distance + speed");
  const columns::Batch without = some_flights().without(std::vector<std::string>{"distance"});
  const auto missing = expression.evaluate(without);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_NE(missing.error().message().find("\"distance\""), std::string::npos);
  const auto wrong =
      expression.evaluate(some_flights().with("distance", columns::Column::of_doubles({1, 2, 3})));
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code(), ErrorCode::InvalidArgument);
  EXPECT_NE(wrong.error().message().find("number, not integer"), std::string::npos)
      << wrong.error().message();
}

TEST(Expression, a_row_of_the_wrong_shape_is_refused) {
  Scratch scratch;
  const Expression expression = compiled("distance + speed");
  const Cell one[] = {Cell::of_int64(1)};
  const Cell swapped[] = {Cell::of_double(1), Cell::of_int64(1)};
  EXPECT_EQ(expression.evaluate_row(one, scratch).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(expression.evaluate_row(swapped, scratch).error().code(), ErrorCode::InvalidArgument);
}

TEST(Expression, one_scratch_serves_many_expressions_in_turn) {
  Scratch scratch;
  const Expression sum = compiled("distance + 1");
  const Expression shout = compiled("upper(carrier) || '!'");
  const Cell number[] = {Cell::of_int64(41)};
  const Cell text[] = {Cell::of_text("ua")};
  for (int k = 0; k < 3; ++k) {
    EXPECT_EQ(sum.evaluate_row(number, scratch)->integer, 42);
    EXPECT_EQ(shout.evaluate_row(text, scratch)->text, "UA!");
  }
}

TEST(Expression, a_scratch_forgets_an_expression_that_is_gone) {
  Scratch scratch;
  for (std::int64_t k = 0; k < 20; ++k) {
    const Expression expression = compiled("distance + " + std::to_string(k));
    const Cell cells[] = {Cell::of_int64(0)};
    EXPECT_EQ(expression.evaluate_row(cells, scratch)->integer, k);
  }
}

TEST(Expression, texts_outlive_their_row_until_the_scratch_is_used_again) {
  Scratch scratch;
  const Expression same = compiled("carrier");
  const Cell cells[] = {Cell::of_text("UA")};
  EXPECT_EQ(same.evaluate_row(cells, scratch)->text.data(), cells[0].text.data());
}

TEST(Expression, texts_cannot_grow_without_bound) {
  Scratch scratch;
  std::string text = "'aaaaaaaaaa'";
  for (int k = 0; k < 12; ++k) text = "replace(" + text + ", 'a', 'aaaaaaaaaa')";
  const Result<Cell> cell = compiled(text).evaluate_row({}, scratch);
  ASSERT_FALSE(cell.has_value());
  EXPECT_NE(cell.error().message().find("16 MiB"), std::string::npos) << cell.error().message();
}

TEST(Expression, many_distinct_constants_are_fine) {
  std::string text = "0";
  for (int k = 1; k <= 300; ++k) text += " + distance * " + std::to_string(k);
  Scratch scratch;
  const Cell cells[] = {Cell::of_int64(2)};
  EXPECT_EQ(compiled(text).evaluate_row(cells, scratch)->integer, 300 * 301);
  EXPECT_EQ(compiled(text).evaluate(some_flights())->int64s()[0], 100 * 300 * 301 / 2);
}

TEST(ExpressionFindings, point_at_the_place) {
  expect_finding("", "syntax", 1, "empty");
  expect_finding("   ", "syntax", 1, "empty");
  expect_finding("1 +", "syntax", 4, "ends too early");
  expect_finding("1 + )", "syntax", 5, "expected a value");
  expect_finding("(1 + 2", "syntax", 7, "close the parenthesis");
  expect_finding("1 2", "syntax", 3, "operator or the end");
  expect_finding("distance ~ 2", "syntax", 10, "no meaning");
  expect_finding("'open", "syntax", 1, "not closed");
  expect_finding("\"\"", "syntax", 1, "empty");
  expect_finding("12abc", "syntax", 1, "followed by a letter");
  expect_finding("1 < 2 < 3", "syntax", 7, "cannot be chained");
  expect_finding("1 in ()", "syntax", 3, "no values");
  expect_finding("case when late then 1", "syntax", 22, "\"end\"");
  expect_finding("case late end", "syntax", 11, "\"when\"");
  expect_finding("cast(1 bigint)", "syntax", 8, "\"as\"");
  expect_finding("distance is 3", "syntax", 13, "null, true, false");
  expect_finding("9223372036854775808", "wrong_literal", 1, "64 bits");
  expect_finding("1e999", "wrong_literal", 1, "range");
  expect_finding("select", "unknown_name", 1, "select");
  expect_finding("end", "syntax", 1, "double quotes");
  expect_finding("extract(hour scheduled_at)", "syntax", 14, "\"from\"");
  expect_finding("interval 3", "syntax", 11, "unit");
  expect_finding("ümlaut + 1", "unknown_name", 1, "ümlaut");
  expect_finding("'ü' = nam", "unknown_name", 7, "nam");
}

TEST(ExpressionFindings, suggest_the_nearest_name_and_function) {
  expect_finding("distanse * 2", "unknown_name", 1, "did you mean \"distance\"?");
  expect_finding("kpi.savings", "unknown_name", 1, "did you mean \"kpi.saving\"?");
  expect_finding("uper(carrier)", "unknown_function", 1, "did you mean \"upper\"?");
  expect_finding("date_trunc('hourr', scheduled_at)", "wrong_arguments", 12,
                 "did you mean \"hour\"?");
  expect_finding("cast(distance as duble)", "wrong_type", 1, "did you mean \"double\"?");
}

TEST(ExpressionFindings, explain_types) {
  expect_finding("late + 1", "wrong_arguments", 6, "case when x then 1 else 0 end");
  expect_finding("carrier * 2", "wrong_arguments", 9, "cast(x as double)");
  expect_finding("distance and late", "wrong_type", 1, "must be a boolean");
  expect_finding("not carrier", "wrong_type", 5, "must be a boolean");
  expect_finding("carrier = 5", "wrong_type", 9, "mixes text, integer");
  expect_finding("day = 'soon'", "wrong_literal", 7, "'soon' cannot be read as a date");
  expect_finding("date '2024-02-30'", "wrong_literal", 6, "cannot be read as a date");
  expect_finding("interval '3 fortnights'", "wrong_literal", 10, "as an interval");
  expect_finding("distance > 'ten'", "wrong_literal", 12, "as an integer");
  expect_finding("case when late then 1 else 'no' end", "wrong_type", 1, "the results of case");
  expect_finding("coalesce(distance, carrier)", "wrong_type", 1, "mixes integer, text");
  expect_finding("cast(day as bigint)", "wrong_type", 1, "date cannot be cast to integer");
  expect_finding("cast(distance as float)", "wrong_type", 1, "double");
  expect_finding("length(distance)", "wrong_arguments", 1, "does not take (integer)");
  expect_finding("abs()", "wrong_arguments", 1, "does not take ()");
  expect_finding("nullif(1)", "wrong_arguments", 1, "nullif(a, b)");
  expect_finding("regexp_matches(carrier, '(')", "wrong_literal", 25, "");
  expect_finding("regexp_matches(carrier, carrier)", "wrong_arguments", 25, "as texts");
  expect_finding("regexp_matches(carrier, 'a', 'q')", "wrong_arguments", 30, "no option");
  expect_finding("date_part(carrier, day)", "wrong_arguments", 11, "as a text");
  expect_finding("interval 3 dow", "wrong_arguments", 12, "cannot be counted");
  expect_finding("scheduled_at - scheduled_at", "wrong_type", 14, "epoch(x)");
  expect_finding("interval 3 hours || 'x'", "wrong_type", 10, "no text");
}

// One example for each rule that the header names, in the second line of a text, so that line and
// column are both seen to be counted.
TEST(ExpressionFindings, every_rule_points_at_its_line_and_column) {
  const Scope scope{
      columns::Schema({{"Delay", Type::Int64}, {"delay", Type::Int64}, {"s", Type::Text}})};
  const struct {
    std::string_view text, rule;
    int column;
    std::string_view part;
  } kRules[] = {
      {"1 +\n zzzzzz", "unknown_name", 2, "there is Delay, delay, s"},
      {"1 +\n delai", "unknown_name", 2, "did you mean \"Delay\"?"},
      {"1 +\n DELAY", "ambiguous_name", 2, "write it exactly"},
      {"'é' ||\n upperr(s)", "unknown_function", 2, "did you mean \"upper\"?"},
      {"1 +\n\tlength(delay)", "wrong_arguments", 2, "does not take (integer)"},
      {"delay > 1\n and delay", "wrong_type", 6, "must be a boolean"},
      {"delay >\n 'ten'", "wrong_literal", 2, "as an integer"},
      {"delay >\n ~ 3", "syntax", 2, ""},
      {"delay in (1,\n", "syntax", 0, ""},
  };
  for (const auto& one : kRules) {
    const Finding found = finding_of(one.text, scope);
    EXPECT_EQ(found.rule, one.rule) << one.text << ": " << found.message;
    EXPECT_EQ(found.line, 2) << one.text << ": " << found.message;
    if (one.column != 0) {
      EXPECT_EQ(found.column, one.column) << one.text << ": " << found.message;
    }
    EXPECT_NE(found.message.find(one.part), std::string::npos) << one.text << ": " << found.message;
  }
  EXPECT_EQ(finding_of("1\n" + std::string(kMaxExpressionBytes, ' ')).rule, "too_long");
  EXPECT_EQ(finding_of("\n" + std::string(50'000, '(')).rule, "too_deep");
  EXPECT_EQ(finding_of("\n" + std::string(50'000, '(')).line, 2);
}

TEST(ExpressionFindings, come_all_at_once) {
  const std::vector<Finding> findings =
      findings_of("case when distanse > 1 then uper(carier)\n  else late + 1 end");
  ASSERT_EQ(findings.size(), 4U);
  EXPECT_EQ(findings[0].message,
            "nothing is called \"distanse\" here (did you mean \"distance\"?)");
  EXPECT_EQ(findings[1].column, 34);
  EXPECT_EQ(findings[2].rule, "unknown_function");
  EXPECT_EQ(findings[3].line, 2);
  EXPECT_EQ(findings[3].column, 13);
}

TEST(ExpressionFindings, the_error_shows_each_place_in_the_text) {
  const Result<Expression> wrong = Expression::compile("'Zürich' = carier\n  and lat", flights());
  ASSERT_FALSE(wrong.has_value());
  const std::string& message = wrong.error().message();
  EXPECT_NE(message.find(" (line 1, column 12 of the expression)\n"
                         "    'Zürich' = carier\n"
                         "               ^"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find(" (line 2, column 7 of the expression)\n"
                         "      and lat\n"
                         "          ^"),
            std::string::npos)
      << message;
}

std::string repeated(std::string_view piece, int times) {
  std::string text;
  for (int k = 0; k < times; ++k) text += piece;
  return text;
}

TEST(Expression, rounding_an_integer_does_not_wrap) {
  EXPECT_EQ(text_of("round(9223372036854770000, -4)"), "9223372036854770000");
  EXPECT_EQ(text_of("round(4999999999999999999, -19)"), "0");
  EXPECT_EQ(text_of("round(9223372036854775805, -20)"), "0");
  EXPECT_EQ(text_of("round(9223372036854775806, -7)"), "9223372036850000000");
  EXPECT_EQ(text_of("round(-9223372036854775807, -18)"), "-9000000000000000000");
  for (const char* text : {"round(9223372036854775806, -1)", "round(5000000000000000000, -19)"}) {
    Scratch scratch;
    EXPECT_FALSE(compiled(text).evaluate_row({}, scratch).has_value()) << text;
  }
}

TEST(Expression, timestamps_are_read_from_texts_as_duckdb_reads_them) {
  EXPECT_EQ(text_of("cast('2024-06-01T12:30:00Z' as timestamp)"), "2024-06-01T12:30:00Z");
  EXPECT_EQ(text_of("cast('2024-06-01 12:30:00 UTC' as timestamp)"), "2024-06-01T12:30:00Z");
  for (const char* text : {"2024-06-01t12:30:00", "2024-06-01T12:30:00z", "2024-06-01 12:30:00,5",
                           "2024-06-01 12:30Z", "2024-06-01 12:30+02:00", "2024-06-01 12:30 UTC"}) {
    EXPECT_EQ(text_of(fmt::format("try_cast('{}' as timestamp)", text)), "null") << text;
    EXPECT_EQ(text_of(fmt::format("try_cast('{}' as date)", text)), "2024-06-01") << text;
  }
}

// What DuckDB 1.5.5 answers to the same casts.
TEST(Expression, integers_are_read_from_texts_with_any_exponent) {
  EXPECT_EQ(text_of("try_cast('0e5000' as bigint)"), "0");
  EXPECT_EQ(text_of("try_cast('1e5000' as bigint)"), "null");
  EXPECT_EQ(text_of("try_cast('1e-5000' as bigint)"), "0");
  EXPECT_EQ(text_of("try_cast('12345678901234567890e-5' as bigint)"), "null");
  EXPECT_EQ(text_of("try_cast('.5' as bigint)"), "1");
  EXPECT_EQ(text_of("try_cast('1e-32768' as bigint)"), "0");
  EXPECT_EQ(text_of("try_cast('1e-32769' as bigint)"), "null");
  EXPECT_EQ(text_of("try_cast('0e32768' as bigint)"), "null");
}

// The exceptions that docs/expressions.md names.
TEST(Expression, texts_are_read_to_the_last_character) {
  for (const std::string_view text :
       {"try_cast('2024-02-29x' as date)", "try_cast('2024/2/9' as date)",
        "try_cast('2024-06-01 24:00:00' as timestamp)", "try_cast('0x1F' as bigint)",
        "try_cast('0b1' as bigint)", "try_cast('+-1' as double)"})
    EXPECT_EQ(text_of(text), "null") << text;
}

TEST(Expression, times_before_the_year_1_are_written_as_duckdb_does) {
  EXPECT_EQ(text_of("cast(timestamp '0001-01-01 12:00:00' - interval 17 days as varchar)"),
            "0001-12-15 (BC) 12:00:00");
  EXPECT_EQ(text_of("cast(date '0001-01-01' - 17 as varchar)"), "0001-12-15 (BC)");
}

TEST(Expression, intervals_of_mixed_signs_compare_by_their_length) {
  EXPECT_EQ(text_of("interval 4 months - interval 89 days <= interval 49 days"), "true");
  EXPECT_EQ(text_of("interval 1 month - interval 800 hours < interval 0 days"), "true");
}

TEST(Expression, between_evaluates_all_its_operands) {
  Scratch scratch;
  const Cell cells[] = {Cell::of_text("x")};
  const Expression expression =
      compiled("case when cast(null as bigint) between 1 and cast(carrier as bigint) then 1 end");
  EXPECT_FALSE(expression.evaluate_row(cells, scratch).has_value());
}

TEST(Expression, clocks_change_until_2037) {
  EXPECT_EQ(text_of("hour(timestamp '2037-07-01T12:00:00Z')", "America/New_York"), "8");
  EXPECT_EQ(text_of("hour(timestamp '2038-07-01T12:00:00Z')", "America/New_York"), "7");
}

TEST(Expression, a_null_hides_no_failure) {
  Scratch scratch;
  const Cell cells[] = {Cell::of_text("x")};
  EXPECT_FALSE(compiled("cast(null as bigint) + cast(carrier as bigint)")
                   .evaluate_row(cells, scratch)
                   .has_value());
}

TEST(Expression, dates_end_100_million_days_from_1970) {
  EXPECT_EQ(text_of("year(make_date(270000, 1, 1))"), "270000");
  Scratch scratch;
  for (const std::string_view text : {"make_date(270001, 1, 1)", "date '1970-01-01' + 100000001",
                                      "date '1970-01-01' - 100000001"})
    EXPECT_FALSE(compiled(text).evaluate_row({}, scratch).has_value()) << text;
}

TEST(Expression, like_takes_an_escape) {
  EXPECT_EQ(text_of("'50%' like '50\\%' escape '\\'"), "true");
  EXPECT_EQ(text_of("'501' like '50\\%' escape '\\'"), "false");
  EXPECT_EQ(text_of("'a_b%' like '%!_b!%' escape '!'"), "true");
  EXPECT_EQ(text_of("'a!b' like 'a!!b' escape '!'"), "true");
  EXPECT_EQ(text_of("'A%' ilike 'a!%' escape '!'"), "true");
  EXPECT_EQ(text_of("'ab' not like 'a!b' escape '!'"), "false");
  EXPECT_EQ(text_of("'a!%x' like 'a!%' escape ''"), "true");
  EXPECT_EQ(text_of("'a' like null escape '!'"), "null");
  Scratch scratch;
  for (const std::string_view text :
       {"'ab' like 'ab!' escape '!'", "'b' like 'a!' escape '!'", "'ab' like 'ab' escape '!!'"}) {
    const Result<Cell> cell = compiled(text).evaluate_row({}, scratch);
    ASSERT_FALSE(cell.has_value()) << text;
    EXPECT_NE(cell.error().message().find("escape"), std::string::npos) << cell.error().message();
  }
}

TEST(ExpressionLimits, length_nesting_and_chains_are_bounded) {
  EXPECT_EQ(finding_of("1" + std::string(kMaxExpressionBytes, ' ')).rule, "too_long");
  EXPECT_EQ(finding_of(repeated("(", 50'000)).rule, "too_deep");
  EXPECT_EQ(finding_of(repeated("not ", 10'000) + "late").rule, "too_deep");
  EXPECT_EQ(finding_of(repeated("- ", 10'000) + "1").rule, "too_deep");
  EXPECT_EQ(finding_of(repeated("abs(", 10'000)).rule, "too_deep");
  EXPECT_EQ(finding_of(repeated("case when late then ", 1'000) + "1").rule, "too_deep");
  EXPECT_EQ(finding_of("1" + repeated("+1", 30'000)).rule, "too_deep");
  EXPECT_EQ(finding_of("distance" + repeated("::bigint", 5'000)).rule, "too_deep");
  EXPECT_EQ(finding_of("\xff").rule, "syntax");
  EXPECT_EQ(text_of(repeated("(", kMaxNesting - 1) + "1" + repeated(")", kMaxNesting - 1)), "1");
  EXPECT_EQ(text_of("1" + repeated("+1", kMaxOperators - 1)), std::to_string(kMaxOperators));
}

TEST(ExpressionLimits, a_long_list_is_fine) {
  std::string list = "'x'";
  for (int k = 0; k < 5'000; ++k) list += ", '" + std::to_string(k) + "'";
  Scratch scratch;
  const Cell cells[] = {Cell::of_text("4999")};
  EXPECT_TRUE(compiled("carrier in (" + list + ")").evaluate_row(cells, scratch)->boolean);
}

TEST(ExpressionSyntax, binds_as_postgresql_does) {
  EXPECT_EQ(text_of("2 + 3 * 4"), "14");
  EXPECT_EQ(text_of("-2 ** 2"), "4");
  EXPECT_EQ(text_of("2 ** 3 ** 2"), "64");
  EXPECT_EQ(text_of("10 - 2 - 3"), "5");
  EXPECT_EQ(text_of("not true = false"), "true");
  EXPECT_EQ(text_of("true or false and false"), "true");
  EXPECT_EQ(text_of("1 + 2 || 3"), "33");
  EXPECT_EQ(text_of("1 = 1 is null"), "false");
}

TEST(ExpressionSyntax, comments_and_line_ends_are_blanks) {
  EXPECT_EQ(text_of("1 -- one\n + 2"), "3");
  EXPECT_EQ(text_of("1--1"), "1");
}

TEST(ExpressionDocs, every_function_has_a_line) {
  std::ifstream file(fmt::format("{}/docs/expressions.md", MARTLET_SOURCE_DIR));
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  for (const std::string& name : function_names())
    EXPECT_NE(text.find("`" + name + "("), std::string::npos) << name;
}

}  // namespace
}  // namespace martlet::expr
