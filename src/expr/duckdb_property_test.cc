// DuckDB as the oracle: generated expressions over generated rows give what DuckDB's own evaluation
// gives, value for value and failure for failure.
//
// A case is one typed expression, compared over all its rows. MARTLET_EXPR_CASES says how many
// there are (CI: 100,000) and MARTLET_EXPR_SEED where the sequence begins; a difference is printed
// with the seed of its round, shrunk to the smallest part of the expression that shows it.
#include "expr/expression.h"
#include "expr/random_expression_testing.h"
#include "expr/random_rows_testing.h"
#include "table/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace martlet::expr {
namespace {

using columns::Cell;
using columns::Type;
using testing::Generated;
using testing::Times;

constexpr std::size_t kCases = 5'000;
constexpr std::size_t kPerRound = 100;
constexpr std::size_t kRows = 20;
constexpr int kDepth = 4;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  std::uint64_t value = otherwise;
  if (text != nullptr) std::from_chars(text, text + std::string_view(text).size(), value);
  return value;
}

// With clocks that change by an hour, by half of one, at midnight, twice a year or once for good,
// in winter instead of summer, by a whole day, and never.
constexpr const char* kZones[] = {"America/New_York",  "Europe/London",  "Australia/Lord_Howe",
                                  "America/Sao_Paulo", "America/Havana", "Africa/Casablanca",
                                  "Pacific/Apia",      "Asia/Kathmandu", "America/Caracas",
                                  "Europe/Dublin",     "Asia/Kolkata",   "America/St_Johns"};

// A generated expression and what martlet makes of it: missing in the rows in which it fails.
struct Case {
  Generated generated;
  Type type = Type::Double;
  columns::Column column;
  std::vector<std::size_t> failed;
  std::string failure;
};

bool same_value(const Cell& ours, const Cell& theirs) {
  if (ours.missing || theirs.missing) return ours.missing == theirs.missing;
  switch (ours.type) {
    case Type::Bool: return ours.boolean == theirs.boolean;
    case Type::Double:
      return ours.number == theirs.number || (std::isnan(ours.number) && std::isnan(theirs.number));
    case Type::Text: return ours.text == theirs.text;
    default: return ours.integer == theirs.integer;
  }
}

std::string shown(const Cell& cell) {
  return cell.missing ? "null" : fmt::format("\"{}\"", columns::to_text(cell));
}

class DuckDbProperty : public ::testing::Test {
 protected:
  DuckDbProperty() : engine_(std::move(*table::Engine::open({.access = table::Access::Sources}))) {}

  void execute(const std::string& sql) {
    const Result<void> done = engine_->execute(sql);
    ASSERT_TRUE(done.has_value()) << sql << ": " << done.error().message();
  }

  // The rows of a round, with an id, in the oracle's types.
  void begin_round(std::uint64_t seed) {
    random_ = std::make_unique<SeededRandom>(seed);
    times_ = seed % 3 == 0 ? Times::Zoned : Times::Bare;
    const Result<Zone> zone = Zone::find(kZones[seed / 3 % std::size(kZones)]);
    ASSERT_TRUE(zone.has_value()) << zone.error().message();
    zone_ = times_ == Times::Zoned ? *zone : Zone::utc();
    batch_ = times_ == Times::Zoned
                 ? testing::random_batch_around(*random_, kRows, testing::clock_changes(zone_))
                 : testing::random_batch(*random_, kRows);
    std::vector<std::int64_t> ids(kRows);
    for (std::size_t row = 0; row < ids.size(); ++row) ids[row] = static_cast<std::int64_t>(row);
    const auto registered =
        engine_->register_batch("given", batch_.with("id", columns::Column::of_int64s(ids)));
    ASSERT_TRUE(registered.has_value()) << registered.error().message();
    execute(fmt::format("set timezone = '{}'", zone_.name()));
    execute(times_ == Times::Zoned
                ? "create or replace table rows as from given"
                : "create or replace table rows as select * replace (ts at time zone 'UTC' as ts, "
                  "te at time zone 'UTC' as te) from given");
  }

  std::optional<Case> make_case(Generated generated) {
    const Result<Expression> expression =
        Expression::compile(generated.text, {batch_.schema(), zone_});
    if (!expression.has_value()) {
      ADD_FAILURE() << generated.text << "\n" << expression.error().message();
      return std::nullopt;
    }
    Case made{std::move(generated), expression->type(), {}, {}, {}};
    columns::ColumnBuilder builder(made.type);
    for (std::size_t row = 0; row < kRows; ++row) {
      std::vector<Cell> cells;
      for (const std::string& name : expression->names_used())
        cells.push_back(batch_.find(name)->cell(row));
      const Result<Cell> cell = expression->evaluate_row(cells, scratch_);
      if (cell.has_value()) {
        builder.push(*cell);
        continue;
      }
      builder.push_missing();
      made.failed.push_back(row);
      made.failure = cell.error().message();
    }
    made.column = builder.finish();
    return made;
  }

  // Instants leave DuckDB as microseconds. Rows in which martlet fails are left out.
  static std::string projected(const Case& one, std::string_view name) {
    const bool is_time = one.type == Type::Timestamp;
    std::string sql =
        is_time ? fmt::format("epoch_us({})", one.generated.oracle) : one.generated.oracle;
    if (!one.failed.empty())
      sql = fmt::format("case when id not in ({}) then {} end", fmt::join(one.failed, ", "), sql);
    return fmt::format("({})::{} as {}", sql, sql_type(one.type), name);
  }
  static std::string_view sql_type(Type type) {
    switch (type) {
      case Type::Bool: return "boolean";
      case Type::Double: return "double";
      case Type::Text: return "varchar";
      case Type::Date: return "date";
      default: return "bigint";
    }
  }

  // A column r<k> of values for each case, and one f<k> of where DuckDB fails for those that fail
  // in a row of ours.
  Result<columns::Batch> ask(std::span<const Case> cases) {
    std::string sql = "select id";
    for (std::size_t k = 0; k < cases.size(); ++k) {
      sql += ", " + projected(cases[k], fmt::format("r{}", k));
      if (!cases[k].failed.empty())
        sql += fmt::format(", try([{}]) is null as f{}", cases[k].generated.oracle, k);
    }
    return engine_->query(sql + " from rows order by id");
  }

  // What differs, or nothing.
  std::string difference(const Case& one, const columns::Batch& theirs, std::size_t k) {
    const columns::Column& values = *theirs.find(fmt::format("r{}", k));
    for (std::size_t row = 0; row < kRows; ++row) {
      if (!same_value(one.column.cell(row), values.cell(row)))
        return fmt::format("row {}: DuckDB {}, martlet {}; {}", row, shown(values.cell(row)),
                           shown(one.column.cell(row)), given(one, row));
    }
    for (const std::size_t row : one.failed) {
      ++failures_;
      if (!theirs.find(fmt::format("f{}", k))->cell(row).boolean)
        return fmt::format("row {}: DuckDB gives a value, martlet fails: {}; {}", row, one.failure,
                           given(one, row));
    }
    return "";
  }
  std::string difference(const Case& one) {
    const Result<columns::Batch> found = ask({&one, 1});
    return found.has_value() ? difference(one, *found, 0)
                             : fmt::format("DuckDB fails where martlet gives values: {}",
                                           found.error().message());
  }
  std::string given(const Case& one, std::size_t row) const {
    std::string text = "given";
    const auto expression = Expression::compile(one.generated.text, {batch_.schema(), zone_});
    for (const std::string& name : expression->names_used())
      text += fmt::format(" {}={}", name, shown(batch_.find(name)->cell(row)));
    return text;
  }

  // The smallest part that differs by itself.
  void report(const Case& one, std::uint64_t seed, std::string what) {
    std::vector<const Generated*> all = {&one.generated};
    for (std::size_t k = 0; k < all.size(); ++k) {
      for (const auto& part : all[k]->parts) all.push_back(part.get());
    }
    std::stable_sort(all.begin(), all.end(), [](const Generated* a, const Generated* b) {
      return a->text.size() < b->text.size();
    });
    Generated smallest = one.generated;
    for (const Generated* part : all) {
      const std::optional<Case> smaller = make_case(*part);
      if (!smaller.has_value()) continue;
      std::string found = difference(*smaller);
      if (found.empty()) continue;
      smallest = *part;
      what = std::move(found);
      break;
    }
    ADD_FAILURE() << "MARTLET_EXPR_SEED=" << seed << ", zone " << zone_.name()
                  << "\n  martlet: " << smallest.text << "\n  DuckDB:  " << smallest.oracle
                  << "\n  " << what;
    ++differences_;
  }

  void check(std::span<const Case> cases, std::uint64_t seed) {
    const Result<columns::Batch> together = ask(cases);
    for (std::size_t k = 0; k < cases.size(); ++k) {
      std::string what =
          together.has_value() ? difference(cases[k], *together, k) : difference(cases[k]);
      if (!what.empty()) report(cases[k], seed, std::move(what));
      values_ += kRows - cases[k].failed.size();
    }
  }

  std::unique_ptr<SeededRandom> random_;
  Times times_ = Times::Bare;
  Zone zone_ = Zone::utc();
  columns::Batch batch_;
  Scratch scratch_;
  std::unique_ptr<table::Engine> engine_;
  std::size_t values_ = 0;
  std::size_t failures_ = 0;
  std::size_t differences_ = 0;
};

TEST_F(DuckDbProperty, generated_expressions_mean_the_same_to_duckdb) {
  const std::uint64_t cases = setting("MARTLET_EXPR_CASES", kCases);
  const std::uint64_t first = setting("MARTLET_EXPR_SEED", 1550);
  constexpr std::size_t kEnough = 20;  // differences that are shown
  // Without it DuckDB folds what no row reaches, and rewrites comparisons of date_trunc() into some
  // that are true for null.
  execute("pragma disable_optimizer");
  execute(testing::oracle_macros());
  std::uint64_t compared = 0;
  for (std::uint64_t seed = first; compared < cases && differences_ < kEnough; ++seed) {
    ASSERT_NO_FATAL_FAILURE(begin_round(seed));
    testing::RandomExpressions expressions(*random_, times_);
    std::vector<Case> round;
    while (round.size() < std::min<std::uint64_t>(kPerRound, cases - compared)) {
      std::optional<Case> one = make_case(expressions.make(expressions.type(), kDepth));
      ASSERT_TRUE(one.has_value()) << "MARTLET_EXPR_SEED=" << seed;
      round.push_back(std::move(*one));
    }
    check(round, seed);
    compared += round.size();
  }
  fmt::print("{} expressions compared with DuckDB: {} values, {} failures, {} differences\n",
             compared, values_, failures_, differences_);
  EXPECT_GT(values_, cases * kRows / 2);
  EXPECT_GT(failures_, cases / 5);
}

}  // namespace
}  // namespace martlet::expr
