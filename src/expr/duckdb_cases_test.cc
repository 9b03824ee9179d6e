// Every expectation of duckdb_cases.txt, computed by DuckDB 1.5.5 (generate_cases.py), on single
// rows and on the whole batch.
#include "base/text.h"
#include "base/zone.h"
#include "expr/expression.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <charconv>
#include <fstream>
#include <string>
#include <vector>

namespace martlet::expr {
namespace {

using columns::Cell;
using columns::Type;

constexpr std::string_view kFailure = "\\!";

struct Case {
  std::string zone;
  std::string expression;
  Type type = Type::Double;
  std::vector<std::string> answers;  // as in the file: one per row
};

struct Cases {
  columns::Batch batch;
  std::vector<Case> cases;
};

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      out += text[i] == 't' ? '\t' : text[i] == 'n' ? '\n' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

void push_answer(columns::ColumnBuilder& builder, Type type, std::string_view answer) {
  if (answer == "\\N" || answer == kFailure) return builder.push_missing();
  const char* end = answer.data() + answer.size();
  std::int64_t integer = 0;
  double number = 0;
  switch (type) {
    case Type::Bool: return builder.push_bool(answer == "true");
    case Type::Double:
      std::from_chars(answer.data(), end, number);
      return builder.push_double(number);
    case Type::Text: return builder.push_text(unescaped(answer));
    default: std::from_chars(answer.data(), end, integer); return builder.push_int64(integer);
  }
}

columns::Column column_of(Type type, const std::vector<std::string>& answers) {
  columns::ColumnBuilder builder(type);
  for (const std::string& answer : answers) push_answer(builder, type, answer);
  return builder.finish();
}

Cases read_cases() {
  std::ifstream file(fmt::format("{}/src/expr/duckdb_cases.txt", MARTLET_SOURCE_DIR));
  Cases read;
  std::vector<columns::Field> fields;
  std::vector<std::vector<std::string>> values;
  std::string zone;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> parts;
    for (const std::string_view part : split(line, '\t')) parts.emplace_back(part);
    if (parts[0] == "columns") {
      for (std::size_t i = 1; i < parts.size(); ++i) {
        const std::vector<std::string_view> field = split(parts[i], ':');
        fields.push_back({std::string(field[0]), *columns::parse_type(field[1])});
      }
      values.resize(fields.size());
    } else if (parts[0] == "row") {
      for (std::size_t i = 1; i < parts.size(); ++i) values[i - 1].push_back(parts[i]);
    } else if (parts[0] == "zone") {
      zone = parts[1];
    } else if (parts[0] == "case") {
      read.cases.push_back({zone,
                            unescaped(parts[1]),
                            *columns::parse_type(parts[2]),
                            {parts.begin() + 3, parts.end()}});
    }
  }
  std::vector<columns::Column> columns;
  for (std::size_t i = 0; i < fields.size(); ++i)
    columns.push_back(column_of(fields[i].type, values[i]));
  read.batch = columns::Batch(columns::Schema(fields), std::move(columns));
  return read;
}

const Cases& all_cases() {
  static const Cases kCases = read_cases();
  return kCases;
}

std::string check_row(const Expression& expression, const Case& one, std::size_t row,
                      Scratch& scratch) {
  const columns::Column expected_column = column_of(one.type, {one.answers[row]});
  const Cell expected = expected_column.cell(0);
  std::vector<Cell> cells;
  for (const std::string& name : expression.names_used())
    cells.push_back(all_cases().batch.find(name)->cell(row));
  const Result<Cell> found = expression.evaluate_row(cells, scratch);
  if (one.answers[row] == kFailure)
    return found.has_value()
               ? fmt::format("DuckDB fails, martlet gives {}", columns::to_text(*found))
               : std::string();
  if (!found.has_value())
    return fmt::format("DuckDB gives {}, martlet fails: {}", one.answers[row],
                       found.error().message());
  if (found->missing == expected.missing && (found->missing || found->same_as(expected))) return "";
  return fmt::format("DuckDB gives {}, martlet {}", one.answers[row],
                     found->missing ? std::string("null") : columns::to_text(*found));
}

TEST(DuckDbCases, each_row_is_what_duckdb_says) {
  ASSERT_GE(all_cases().cases.size(), 1000U);
  Scratch scratch;
  for (const Case& one : all_cases().cases) {
    const Scope scope{all_cases().batch.schema(), *Zone::find(one.zone)};
    const Result<Expression> expression = Expression::compile(one.expression, scope);
    if (!expression.has_value()) {
      const bool always_fails = std::all_of(one.answers.begin(), one.answers.end(),
                                            [](const std::string& a) { return a == kFailure; });
      EXPECT_TRUE(always_fails) << one.expression << ": " << expression.error().message();
      continue;
    }
    EXPECT_EQ(expression->type(), one.type) << one.expression;
    if (expression->type() != one.type) continue;
    for (std::size_t row = 0; row < one.answers.size(); ++row) {
      const std::string problem = check_row(*expression, one, row, scratch);
      EXPECT_EQ(problem, "") << one.zone << ": " << one.expression << " on row " << row;
    }
  }
}

TEST(DuckDbCases, a_batch_gives_the_same_bits_as_its_rows) {
  for (const Case& one : all_cases().cases) {
    const Scope scope{all_cases().batch.schema(), *Zone::find(one.zone)};
    const Result<Expression> expression = Expression::compile(one.expression, scope);
    if (!expression.has_value() || expression->type() != one.type) continue;
    const Result<columns::Column> column = expression->evaluate(all_cases().batch);
    const bool fails =
        std::find(one.answers.begin(), one.answers.end(), kFailure) != one.answers.end();
    EXPECT_EQ(column.has_value(), !fails) << one.expression;
    if (!column.has_value() || fails) continue;
    const columns::Column expected = column_of(one.type, one.answers);
    EXPECT_TRUE(column->equals(expected)) << one.zone << ": " << one.expression;
  }
}

}  // namespace
}  // namespace martlet::expr
