#include "expr/random_expression_testing.h"

#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <initializer_list>
#include <limits>

namespace martlet::expr::testing {
namespace {

using columns::Type;

class Generator {
 public:
  Generator(Random& random, Dialect dialect) : random_(random), dialect_(dialect) {}

  std::string make(Type type, int depth) {
    if (depth <= 0 || random_.below(8) == 0) return leaf(type);
    if (random_.below(6) == 0) return choice(type, depth - 1);
    switch (type) {
      case Type::Bool: return truth(depth - 1);
      case Type::Int64: return integer(depth - 1);
      case Type::Double: return number(depth - 1);
      case Type::Text: return text(depth - 1);
      case Type::Timestamp: return timestamp(depth - 1);
      case Type::Date: return date(depth - 1);
    }
    return "null";
  }

 private:
  std::string_view any(std::initializer_list<std::string_view> words) {
    return words.begin()[random_.below(words.size())];
  }

  std::string leaf(Type type) {
    if (random_.below(12) == 0) return fmt::format("cast(null as {})", sql_name(type));
    const bool column = random_.below(3) != 0;
    switch (type) {
      case Type::Bool: return std::string(column ? any({"b", "c"}) : any({"true", "false"}));
      case Type::Int64:
        return column ? std::string(any({"i", "j"})) : fmt::format("{}::bigint", random_.below(12));
      case Type::Double:
        return std::string(column ? any({"x", "y"})
                                  : any({"0e0", "1e0", "2.5e0", "-0.5e0", "1e3", "'nan'::double",
                                         "'inf'::double"}));
      case Type::Text:
        return std::string(column
                               ? any({"s", "t"})
                               : any({"'a'", "''", "'ab%'", "'Zürich'", "'12'", "' x '", "'_b'"}));
      case Type::Timestamp:
        return std::string(
            column ? any({"ts", "te"})
                   : any({"timestamp '2024-02-29 12:30:45.5'", "timestamp '1969-12-31 23:59:59'"}));
      case Type::Date:
        return std::string(column ? any({"d", "e"})
                                  : any({"date '2024-02-29'", "date '1970-01-01'"}));
    }
    return "null";
  }

  static std::string_view sql_name(Type type) {
    switch (type) {
      case Type::Bool: return "boolean";
      case Type::Int64: return "bigint";
      case Type::Double: return "double";
      case Type::Text: return "varchar";
      case Type::Timestamp: return "timestamp";
      case Type::Date: return "date";
    }
    return "";
  }

  std::string choice(Type type, int depth) {
    switch (random_.below(8)) {
      case 0:
        return fmt::format("case when {} then {} when {} then {} end", make(Type::Bool, depth),
                           make(type, depth), make(Type::Bool, depth), make(type, depth));
      case 1:
        return fmt::format("case {0} when {1} then {2} else {3} end", make(Type::Int64, depth),
                           make(Type::Int64, depth), make(type, depth), make(type, depth));
      case 2: return fmt::format("coalesce({}, {})", make(type, depth), make(type, depth));
      case 3: return fmt::format("nullif({}, {})", make(type, depth), make(type, depth));
      case 4:
        return fmt::format("if({}, {}, {})", make(Type::Bool, depth), make(type, depth),
                           make(type, depth));
      case 5:
        return fmt::format("{}({}, {}, {})", any({"greatest", "least"}), make(type, depth),
                           make(type, depth), make(type, depth));
      case 6: return fmt::format("ifnull({}, {})", make(type, depth), make(type, depth));
      default:
        return fmt::format("case when {} then {} else {} end", make(Type::Bool, depth),
                           make(type, depth), make(type, depth));
    }
  }

  Type comparable() {
    return std::array{Type::Bool, Type::Int64,     Type::Double,
                      Type::Text, Type::Timestamp, Type::Date}[random_.below(6)];
  }

  std::string truth(int depth) {
    const Type type = comparable();
    switch (random_.below(14)) {
      case 0:
      case 1:
        return fmt::format("({} {} {})", make(type, depth), any({"=", "<>", "<", "<=", ">", ">="}),
                           make(type, depth));
      case 2:
        return fmt::format("({} {} {})", make(type, depth),
                           any({"is distinct from", "is not distinct from"}), make(type, depth));
      case 3: return fmt::format("({} and {})", make(Type::Bool, depth), make(Type::Bool, depth));
      case 4: return fmt::format("({} or {})", make(Type::Bool, depth), make(Type::Bool, depth));
      case 5: return fmt::format("(not {})", make(Type::Bool, depth));
      case 6: return fmt::format("({} {})", make(type, depth), any({"is null", "is not null"}));
      case 7:
        return fmt::format("({} {} {} and {})", make(type, depth), any({"between", "not between"}),
                           make(type, depth), make(type, depth));
      case 8:
        return fmt::format("({} {} ({}, {}, {}))", make(type, depth), any({"in", "not in"}),
                           make(type, 0), make(type, depth), make(type, 0));
      case 9:
        return fmt::format("({} {} {})", make(Type::Text, depth),
                           any({"like", "not like", "ilike"}), make(Type::Text, depth));
      case 10:
        return fmt::format("{}({}, {})", any({"contains", "starts_with", "ends_with"}),
                           make(Type::Text, depth), make(Type::Text, depth));
      case 11:
        return fmt::format("{}({})", any({"isnan", "isinf", "isfinite"}),
                           make(Type::Double, depth));
      case 12:
        return fmt::format("regexp_matches({}, '{}')", make(Type::Text, depth),
                           any({"a", "^.b", "[0-9]+$", "x|ü"}));
      default: return fmt::format("({} < {})", make(Type::Int64, depth), make(Type::Double, depth));
    }
  }

  std::string integer(int depth) {
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2:
        return fmt::format("({} {} {})", make(Type::Int64, depth), any({"+", "-", "*", "//", "%"}),
                           make(Type::Int64, depth));
      case 3: return fmt::format("(- {})", make(Type::Int64, depth));
      case 4: return fmt::format("abs({})", make(Type::Int64, depth));
      case 5: return fmt::format("length({})", make(Type::Text, depth));
      case 6:
        return fmt::format("strpos({}, {})", make(Type::Text, depth), make(Type::Text, depth));
      case 7:
        return fmt::format("{}({})",
                           any({"hour", "minute", "second", "day", "month", "year", "dayofweek",
                                "isodow", "dayofyear", "week", "quarter"}),
                           make(random_.below(2) == 0 ? Type::Timestamp : Type::Date, depth));
      case 8:
        return fmt::format("date_diff('{}', {}, {})", any({"day", "hour", "month", "week", "year"}),
                           make(Type::Timestamp, depth), make(Type::Timestamp, depth));
      case 9: return fmt::format("({} - {})", make(Type::Date, depth), make(Type::Date, depth));
      case 10: return fmt::format("try_cast({} as bigint)", make(Type::Text, depth));
      default: return fmt::format("cast({} as bigint)", make(Type::Bool, depth));
    }
  }

  std::string number(int depth) {
    switch (random_.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return fmt::format("({} {} {})", make(Type::Double, depth), any({"+", "-", "*", "/", "%"}),
                           make(random_.below(4) == 0 ? Type::Int64 : Type::Double, depth));
      case 4: return fmt::format("(- {})", make(Type::Double, depth));
      case 5:
        return fmt::format("{}({})", any({"abs", "floor", "ceil", "round", "trunc", "exp", "atan"}),
                           make(Type::Double, depth));
      case 6: return fmt::format("round({}, {})", make(Type::Double, depth), random_.below(4));
      case 7: return fmt::format("({} / {})", make(Type::Int64, depth), make(Type::Int64, depth));
      case 8: return fmt::format("epoch({})", make(Type::Timestamp, depth));
      default: return fmt::format("try_cast({} as double)", make(Type::Text, depth));
    }
  }

  std::string text(int depth) {
    switch (random_.below(10)) {
      case 0: return joined(depth);
      case 1:
        return fmt::format("{}({})", any({"lower", "upper", "trim", "ltrim", "rtrim"}),
                           make(Type::Text, depth));
      case 2:
        return fmt::format("substring({}, {}, {})", make(Type::Text, depth), small(), small());
      case 3:
        return fmt::format("{}({}, {})", any({"left", "right"}), make(Type::Text, depth), small());
      case 4:
        return fmt::format("replace({}, {}, {})", make(Type::Text, depth), make(Type::Text, 0),
                           make(Type::Text, 0));
      case 5:
        return fmt::format("concat({}, {})", make(Type::Text, depth), make(Type::Text, depth));
      case 6: return fmt::format("cast({} as varchar)", make(Type::Int64, depth));
      case 7: return number_as_text(depth);
      case 8: return fmt::format("cast({} as varchar)", make(Type::Date, depth));
      default: return fmt::format("trim({}, {})", make(Type::Text, depth), make(Type::Text, 0));
    }
  }
  // DuckDB writes the sign of a NaN, which depends on the processor's arithmetic; martlet writes
  // "nan".
  std::string number_as_text(int depth) {
    return fmt::format("coalesce(cast(nullif({}, 'nan'::double) as varchar), 'nan')",
                       make(Type::Double, depth));
  }
  std::string joined(int depth) {
    const Type type = random_type(random_);
    return fmt::format("({} || {})", make(Type::Text, depth),
                       type == Type::Double ? number_as_text(depth) : make(type, depth));
  }
  std::string small() { return std::to_string(static_cast<std::int64_t>(random_.below(9)) - 4); }

  std::string timestamp(int depth) {
    switch (random_.below(5)) {
      case 0:
        // DuckDB 1.5.5 rewrites date_trunc(…) <> constant into something true for null; the sum
        // keeps it from that.
        return fmt::format("(date_trunc('{}', {}) + interval 0 days)",
                           any({"hour", "day", "week", "month", "year"}),
                           make(Type::Timestamp, depth));
      case 1: return fmt::format("cast({} as timestamp)", make(Type::Date, depth));
      case 2:
        return fmt::format("({} + interval {} {})", make(Type::Date, depth), random_.below(40),
                           unit());
      default:
        return fmt::format("({} {} interval {} {})", make(Type::Timestamp, depth), any({"+", "-"}),
                           random_.below(40), unit());
    }
  }
  std::string_view unit() { return any({"minutes", "hours", "days", "weeks", "months", "years"}); }

  std::string date(int depth) {
    switch (random_.below(3)) {
      case 0: return fmt::format("cast({} as date)", make(Type::Timestamp, depth));
      case 1:
        return fmt::format("({} {} {})", make(Type::Date, depth), any({"+", "-"}),
                           random_.below(400));
      default:
        // DuckDB adds 32-bit integers only to a date.
        return dialect_ == Dialect::Shared
                   ? fmt::format("({} - {})", make(Type::Date, depth), random_.below(50))
                   : fmt::format("({} + ({} % 1000))", make(Type::Date, depth),
                                 make(Type::Int64, depth));
    }
  }

  Random& random_;
  Dialect dialect_;
};

std::int64_t random_integer(Random& random) {
  switch (random.below(8)) {
    case 0:
      return std::numeric_limits<std::int64_t>::max() - static_cast<std::int64_t>(random.below(3));
    case 1:
      return std::numeric_limits<std::int64_t>::min() + static_cast<std::int64_t>(random.below(3));
    case 2: return static_cast<std::int64_t>(random.below(2'000'000)) - 1'000'000;
    default: return static_cast<std::int64_t>(random.below(13)) - 4;
  }
}

double random_number(Random& random) {
  switch (random.below(8)) {
    case 0: return std::numeric_limits<double>::quiet_NaN();
    case 1:
      return random.below(2) == 0 ? std::numeric_limits<double>::infinity()
                                  : -std::numeric_limits<double>::infinity();
    case 2: return random.below(2) == 0 ? 0.0 : -0.0;
    case 3: return random.normal() * 1e12;
    case 4: return static_cast<double>(random.below(9)) / 2 - 2;
    default: return random.normal() * 10;
  }
}

std::string random_text(Random& random) {
  static constexpr std::array<std::string_view, 16> kPieces = {
      "a", "b", "ab", "Z", "ü", "ß", "日本", " ", "%", "_", "12", "-3.5", "x", "É", ".", "nan"};
  std::string text;
  for (std::uint64_t k = random.below(5); k > 0; --k) text += kPieces[random.below(kPieces.size())];
  return text;
}

std::int64_t random_micros(Random& random) {
  // 1930 to 2060, mostly whole minutes.
  const std::int64_t minutes =
      static_cast<std::int64_t>(random.below(130ULL * 365 * 24 * 60)) - 40LL * 365 * 24 * 60;
  const std::int64_t rest =
      random.below(4) == 0 ? static_cast<std::int64_t>(random.below(60'000'000)) : 0;
  return minutes * 60 * kMicrosPerSecond + rest;
}

}  // namespace

columns::Schema random_schema() {
  return columns::Schema({{"i", Type::Int64},
                          {"j", Type::Int64},
                          {"x", Type::Double},
                          {"y", Type::Double},
                          {"s", Type::Text},
                          {"t", Type::Text},
                          {"b", Type::Bool},
                          {"c", Type::Bool},
                          {"ts", Type::Timestamp},
                          {"te", Type::Timestamp},
                          {"d", Type::Date},
                          {"e", Type::Date}});
}

columns::Batch random_batch(Random& random, std::size_t rows) {
  const columns::Schema schema = random_schema();
  std::vector<columns::Column> columns;
  for (const columns::Field& field : schema.fields()) {
    columns::ColumnBuilder builder(field.type);
    const bool has_missing = random.below(4) != 0;
    for (std::size_t row = 0; row < rows; ++row) {
      if (has_missing && random.below(5) == 0) {
        builder.push_missing();
        continue;
      }
      switch (field.type) {
        case Type::Bool: builder.push_bool(random.below(2) == 0); break;
        case Type::Int64: builder.push_int64(random_integer(random)); break;
        case Type::Double: builder.push_double(random_number(random)); break;
        case Type::Text: builder.push_text(random_text(random)); break;
        case Type::Timestamp: builder.push_int64(random_micros(random)); break;
        case Type::Date:
          builder.push_int64(static_cast<std::int64_t>(random.below(47'000)) - 14'000);
          break;
      }
    }
    columns.push_back(builder.finish());
  }
  return columns::Batch(schema, std::move(columns));
}

std::string random_expression(Random& random, columns::Type type, int depth, Dialect dialect) {
  return Generator(random, dialect).make(type, depth);
}

columns::Type random_type(Random& random) {
  return std::array{
      Type::Bool, Type::Int64, Type::Double, Type::Text, Type::Timestamp, Type::Date}[random.below(
      6)];
}

}  // namespace martlet::expr::testing
