#include "expr/random_expression_testing.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

namespace martlet::expr::testing {
namespace {

using columns::Type;

Generated word(std::string both) { return {both, both}; }
Generated words(std::string text, std::string oracle) {
  return {std::move(text), std::move(oracle)};
}

// `{}` takes the next argument, `{2}` that one.
std::string filled(std::string_view pattern, const std::vector<Generated>& arguments,
                   std::string Generated::* member) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') {
      out += pattern[i];
      continue;
    }
    const std::size_t end = pattern.find('}', i);
    std::size_t index = next;
    if (end > i + 1)
      std::from_chars(pattern.data() + i + 1, pattern.data() + end, index);
    else
      ++next;
    out += arguments.at(index).*member;
    i = end;
  }
  return out;
}

// Arguments in braces are made from left to right, so that a seed gives the same text everywhere.
Generated form(std::string_view ours, std::string_view theirs, std::vector<Generated> arguments) {
  Generated made{filled(ours, arguments, &Generated::text),
                 filled(theirs, arguments, &Generated::oracle)};
  for (Generated& argument : arguments) {
    if (argument.type.has_value())
      made.parts.push_back(std::make_shared<const Generated>(std::move(argument)));
    else
      made.parts.insert(made.parts.end(), argument.parts.begin(), argument.parts.end());
  }
  return made;
}
Generated form(std::string_view pattern, std::vector<Generated> arguments) {
  return form(pattern, pattern, std::move(arguments));
}

// A constant null of ours hides no failure of what it is combined with; DuckDB's does. So what is
// made of constants alone is no constant to DuckDB, from which it could fold a null.
Generated unfolded(Generated made) {
  made.oracle = fmt::format("(case when id >= 0 then {} end)", made.oracle);
  return made;
}

std::string_view sql_name(Type type) {
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

}  // namespace

std::string oracle_macros() {
  // A lambda over a list of one: what a macro names twice would be evaluated twice, and nested
  // macros would grow without bound.
  const auto macro = [](std::string_view name, std::string_view body) {
    return fmt::format("create or replace macro {}(t) as list_transform([t], lambda v: {})[1];",
                       name, body);
  };
  constexpr std::string_view kIso =
      "\\d{4}-\\d\\d-\\d\\d([ Tt]([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d([.,]\\d+)?)?"
      "( UTC|[Zz]|[+-](0\\d|1[0-8])(:?[0-5]\\d)?)?)?";
  std::string all;
  // Of a local time that occurs twice the earlier one.
  all +=
      macro("earlier", "case when cast(v - interval '1 hour' as timestamp) = cast(v as timestamp)"
                       " then v - interval '1 hour'"
                       " when cast(v - interval '30 minutes' as timestamp) = cast(v as timestamp)"
                       " then v - interval '30 minutes'"
                       " when cast(v - interval '2 hours' as timestamp) = cast(v as timestamp)"
                       " then v - interval '2 hours' else v end");
  all += "create or replace macro instant(l) as earlier(cast(l as timestamptz));";
  // Both hours of an autumn night stay apart.
  all += macro("hour_of", "v - to_microseconds(minute(v) * 60000000 + microsecond(v))");
  // What is no plain number to us, such as 0x1F, is none.
  all += macro("plain", "case when regexp_matches(v, '0[xXbBoO]|\\+-') then '?' else v end");
  // Nor is a date or a time what isn't ISO 8601 to the last character, or names an hour 24.
  all += "create or replace macro bare(s) as trim(s, ' ' || chr(9) || chr(10) || chr(11) || "
         "chr(12) || chr(13));";
  all +=
      fmt::format("create or replace macro iso(t) as list_transform([bare(t)], lambda v: case "
                  "when v is null then v when regexp_full_match(v, '{}') then v else '?' end)[1];",
                  kIso);
  // Our dates end 100 million days from 1970, and make_date()'s years at 270,000.
  all += macro("near",
               "case when abs(v - date '1970-01-01') > 100000000 then error('range') else v end");
  all += macro("near_year", "case when v > 270000 or v < -270000 then error('range') else v end");
  constexpr std::pair<std::string_view, std::string_view> kEscapes[] = {
      {"by_backslash", "(?s)([^\\\\]|\\\\.)*\\\\"}, {"by_a", "(?s)([^a]|a.)*a"}};
  for (const auto& [name, unfinished] : kEscapes) {
    all += fmt::format("create or replace macro {}(p, s) as list_transform([{{'p': p, 's': s}}], "
                       "lambda v: case when v.s is not null and regexp_full_match(v.p, '{}') then "
                       "error('escape') else v.p end)[1];",
                       name, unfinished);
  }
  all += "create or replace macro number_text(x) as replace(cast(x as varchar), '-nan', 'nan');";
  return all;
}

Generated RandomExpressions::any(std::initializer_list<const char*> choices) {
  return word(choices.begin()[random_.below(choices.size())]);
}
Generated RandomExpressions::count(std::uint64_t bound, std::int64_t from) {
  return word(std::to_string(static_cast<std::int64_t>(random_.below(bound)) + from));
}

Type RandomExpressions::type() {
  return std::array{
      Type::Bool, Type::Int64, Type::Double, Type::Text, Type::Timestamp, Type::Date}[random_.below(
      6)];
}

Generated RandomExpressions::make(Type type, int depth) {
  Generated made = [&] {
    if (depth <= 0 || one_in(8)) return leaf(type);
    if (one_in(6)) return choice(type, depth - 1);
    switch (type) {
      case Type::Bool: return truth(depth - 1);
      case Type::Int64: return integer(depth - 1);
      case Type::Double: return number(depth - 1);
      case Type::Text: return text(depth - 1);
      case Type::Timestamp: return timestamp(depth - 1);
      case Type::Date: return date(depth - 1);
    }
    return word("null");
  }();
  made.type = type;
  return made;
}

Generated RandomExpressions::leaf(Type type) {
  if (one_in(12)) {
    const std::string_view oracle =
        zoned() && type == Type::Timestamp ? "timestamptz" : sql_name(type);
    return words(fmt::format("cast(null as {})", sql_name(type)),
                 fmt::format("cast(case when id < 0 then '' end as {})", oracle));
  }
  if (one_in(3)) return unfolded(literal(type));
  switch (type) {
    case Type::Bool: return any({"b", "c"});
    case Type::Int64: return any({"i", "j"});
    case Type::Double: return any({"x", "y"});
    case Type::Text: return any({"s", "t"});
    case Type::Timestamp: return any({"ts", "te"});
    case Type::Date: return any({"d", "e"});
  }
  return word("null");
}

Generated RandomExpressions::literal(Type type) {
  switch (type) {
    case Type::Bool: return any({"true", "false"});
    case Type::Int64:
      if (one_in(6))
        return any({"9223372036854775807::bigint", "(-9223372036854775808)::bigint",
                    "4294967296::bigint", "(-1)::bigint", "3037000500::bigint"});
      return form("{}::bigint", {count(12)});
    case Type::Double:
      return any({"0e0", "(-0e0)", "1e0", "2.5e0", "-0.5e0", "1e3", "'nan'::double",
                  "'inf'::double", "'-inf'::double", "1e308", "9007199254740993e0", "1e-300"});
    case Type::Text:
      return any({"'a'", "''", "'ab%'", "'Zürich'", "'12'", "' x '", "'_b'", "'İ'", "'ß'",
                  "'👩‍👧'", "'é'", "'%\\_%'", "'\\'", "'it''s'"});
    case Type::Timestamp:
      if (zoned()) {
        if (one_in(4))
          return words("timestamp '2024-03-31T01:00:00Z'", "timestamptz '2024-03-31T01:00:00Z'");
        const Generated local =
            any({"timestamp '2024-02-29 12:30:45.5'", "timestamp '2024-03-10 02:30:00'",
                 "timestamp '2024-11-03 01:30:00'", "timestamp '2024-10-27 01:15:00'"});
        return words(local.text, fmt::format("instant({})", local.text));
      }
      return any({"timestamp '2024-02-29 12:30:45.5'", "timestamp '1969-12-31 23:59:59'",
                  "timestamp '1600-02-29 00:00:00.000001'",
                  "timestamp '9999-12-31 23:59:59.999999'"});
    case Type::Date:
      if (zoned()) return any({"date '2024-02-29'", "date '2024-11-03'", "date '2011-12-30'"});
      return any({"date '2024-02-29'", "date '1970-01-01'", "date '2023-12-31'",
                  "date '1900-02-28'", "date '0001-01-01'"});
  }
  return word("null");
}

Generated RandomExpressions::choice(Type type, int depth) {
  switch (random_.below(9)) {
    case 0:
      return form(
          "case when {} then {} when {} then {} end",
          {make(Type::Bool, depth), make(type, depth), make(Type::Bool, depth), make(type, depth)});
    case 1: {
      const Type of = this->type();
      return form("case {} when {} then {} when {} then {} else {} end",
                  {make(of, depth), make(of, depth), make(type, depth), make(of, 0),
                   make(type, depth), make(type, depth)});
    }
    case 2:
      return form("coalesce({}, {}, {})", {make(type, depth), make(type, depth), make(type, 0)});
    case 3: return form("nullif({}, {})", {make(type, depth), make(type, depth)});
    case 4:
      return form("if({}, {}, {})",
                  {make(Type::Bool, depth), make(type, depth), make(type, depth)});
    case 5:
      return form("{}({}, {}, {})", {any({"greatest", "least"}), make(type, depth),
                                     make(type, depth), make(type, depth)});
    case 6: return form("ifnull({}, {})", {make(type, depth), make(type, depth)});
    default:
      return form("case when {} then {} else {} end",
                  {make(Type::Bool, depth), make(type, depth), make(type, depth)});
  }
}

Generated RandomExpressions::truth(int depth) {
  const Type type = this->type();
  switch (random_.below(16)) {
    case 0:
    case 1:
      return form("({} {} {})",
                  {make(type, depth), any({"=", "<>", "<", "<=", ">", ">="}), make(type, depth)});
    case 2:
      return form("({} {} {})",
                  {make(type, depth), any({"is distinct from", "is not distinct from"}),
                   make(type, depth)});
    // The right side cannot fail in rows that the left side decides.
    case 3:
      return form("({0} and {1})", "(case when {0} is false then false else ({0} and {1}) end)",
                  {make(Type::Bool, depth), make(Type::Bool, depth)});
    case 4:
      return form("({0} or {1})", "(case when {0} is true then true else ({0} or {1}) end)",
                  {make(Type::Bool, depth), make(Type::Bool, depth)});
    case 5: return form("(not {})", {make(Type::Bool, depth)});
    case 6: return form("({} {})", {make(type, depth), any({"is null", "is not null"})});
    case 7:
      return form("({} {})", {make(Type::Bool, depth), any({"is true", "is not true", "is false",
                                                            "is not false", "is unknown"})});
    case 8:
      // As a condition DuckDB's doesn't look at the upper bound where the lower one decides.
      return form("({} {} {} and {})", "([{} {} {} and {}][1])",
                  {make(type, depth), any({"between", "not between"}), make(type, depth),
                   make(type, depth)});
    case 9:
      return form("({} {} ({}, {}, {}))", {make(type, depth), any({"in", "not in"}), make(type, 0),
                                           make(type, depth), make(type, 0)});
    case 10:
      return form("({} {} ({}, null))", {make(type, depth), any({"in", "not in"}), make(type, 0)});
    case 11:
      return form("{}({})", {any({"isnan", "isinf", "isfinite"}), make(Type::Double, depth)});
    case 12:
      // By their length, also where months and hours have different signs.
      return form("({} {} {})", "(epoch_us({}) {} epoch_us({}))",
                  {interval(depth), any({"=", "<>", "<", "<=", ">", ">="}), interval(depth)});
    case 13:
      return form("({} {} {})",
                  {make(Type::Int64, depth), any({"<", "=", ">="}), make(Type::Double, depth)});
    default: return text_truth(depth);
  }
}

Generated RandomExpressions::text_truth(int depth) {
  switch (random_.below(6)) {
    case 0:
    case 1:
      return form("({} {} {})",
                  {make(Type::Text, depth), any({"like", "not like", "ilike", "not ilike"}),
                   make(Type::Text, depth)});
    case 2: {
      // A pattern that ends with its escape is always an error, not only where matching gets there.
      const bool backslash = one_in(2);
      return form(backslash ? "({0} {1} {2} escape '\\')" : "({0} {1} {2} escape 'a')",
                  backslash ? "({0} {1} by_backslash({2}, {0}) escape '\\')"
                            : "({0} {1} by_a({2}, {0}) escape 'a')",
                  {make(Type::Text, depth), any({"like", "not like", "ilike", "not ilike"}),
                   make(Type::Text, depth)});
    }
    case 3:
      return form("{}({}, {})", {any({"contains", "starts_with", "ends_with"}),
                                 make(Type::Text, depth), make(Type::Text, depth)});
    case 4: return form("{}({} as boolean)", {any({"cast", "try_cast"}), make(Type::Text, depth)});
    default:
      return form("{}({}, '{}')",
                  {any({"regexp_matches", "regexp_full_match"}), make(Type::Text, depth),
                   any({"a", "^.b", "[0-9]+$", "x|ü", ".*", "\\d+", "(?i)é"})});
  }
}

Generated RandomExpressions::integer(int depth) {
  switch (random_.below(15)) {
    case 0:
    case 1:
    case 2:
      return form("({} {} {})", {make(Type::Int64, depth), any({"+", "-", "*", "//", "%"}),
                                 make(Type::Int64, depth)});
    case 3: return form("(- {})", {make(Type::Int64, depth)});
    case 4:
      return form("{}({})", {any({"abs", "sign", "round", "trunc"}), make(Type::Int64, depth)});
    case 5: return form("{}({})", {any({"length", "strlen"}), make(Type::Text, depth)});
    case 6: return form("strpos({}, {})", {make(Type::Text, depth), make(Type::Text, depth)});
    case 7:
      return form("try_cast({} as bigint)", "try_cast(plain({}) as bigint)",
                  {make(Type::Text, depth)});
    case 8:
      return form("cast({} as bigint)", "cast(plain({}) as bigint)", {make(Type::Text, depth)});
    case 9: return form("{}({} as bigint)", {any({"cast", "try_cast"}), make(Type::Double, depth)});
    case 10: return form("cast({} as bigint)", {make(Type::Bool, depth)});
    case 11:
      // DuckDB's wraps around near the ends of 64 bits.
      return one_in(2) ? form("round({}, {})", "cast(round({}::hugeint, {}) as bigint)",
                              {make(Type::Int64, depth), count(25, -22)})
                       : form("mod({}, {})", {make(Type::Int64, depth), make(Type::Int64, depth)});
    default: return calendar_integer(depth);
  }
}

Generated RandomExpressions::calendar_integer(int depth) {
  switch (random_.below(5)) {
    case 0:
      return form("{}({})",
                  {any({"day", "month", "year", "dayofweek", "isodow", "dayofyear", "week",
                        "quarter", "isoyear", "yearweek", "decade", "century", "millennium"}),
                   make(one_in(2) ? Type::Timestamp : Type::Date, depth)});
    case 1:
      return form("{}({})",
                  {any({"hour", "minute", "second", "millisecond", "microsecond", "hour"}),
                   make(Type::Timestamp, depth)});
    case 2: return form("({} - {})", {make(Type::Date, depth), make(Type::Date, depth)});
    case 3: return form("{}({})", {any({"epoch_ms", "epoch_us"}), make(Type::Timestamp, depth)});
    default: return date_difference(depth);
  }
}

Generated RandomExpressions::date_difference(int depth) {
  if (one_in(4))
    return form("date_diff('{}', {}, {})",
                {any({"day", "month", "week", "quarter", "year", "decade"}),
                 make(Type::Date, depth), make(Type::Date, depth)});
  if (one_in(2)) {
    // Local days, months, …
    return form("date_diff('{}', {}, {})",
                zoned() ? "date_diff('{}', cast({} as timestamp), cast({} as timestamp))"
                        : "date_diff('{}', {}, {})",
                {any({"day", "month", "week", "quarter", "year", "isoyear"}),
                 make(Type::Timestamp, depth), make(Type::Timestamp, depth)});
  }
  if (!zoned())
    return form("date_diff('{}', {}, {})",
                {any({"hour", "minute", "second", "millisecond"}), make(Type::Timestamp, depth),
                 make(Type::Timestamp, depth)});
  // Elapsed time between the beginnings of the two hours.
  return form("date_diff('hour', {0}, {1})",
              "((epoch_us(hour_of({1})) - epoch_us(hour_of({0}))) // 3600000000)",
              {make(Type::Timestamp, depth), make(Type::Timestamp, depth)});
}

Generated RandomExpressions::number(int depth) {
  switch (random_.below(13)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return form("({} {} {})", {make(Type::Double, depth), any({"+", "-", "*", "/", "%", "//"}),
                                 make(one_in(4) ? Type::Int64 : Type::Double, depth)});
    case 4: return form("(- {})", {make(Type::Double, depth)});
    case 5:
      return form("{}({})", {any({"abs", "floor", "ceil", "round", "trunc", "exp", "atan",
                                  "degrees", "radians"}),
                             make(Type::Double, depth)});
    case 6: return form("round({}, {})", {make(Type::Double, depth), count(30, -18)});
    case 7: return form("({} / {})", {make(Type::Int64, depth), make(Type::Int64, depth)});
    case 8:
      return zoned() ? form("epoch({})", "(epoch_us({}) / 1000000)", {make(Type::Timestamp, depth)})
                     : form("epoch({})", {make(Type::Timestamp, depth)});
    case 9:
      return form("{}({})", {any({"sqrt", "ln", "log2", "log10", "log", "sin", "cos", "tan", "cot",
                                  "asin", "acos"}),
                             make(Type::Double, depth)});
    case 10:
      return form("{}({}, {})", {any({"pow", "atan2", "log", "mod"}), make(Type::Double, depth),
                                 make(Type::Double, depth)});
    case 11: return form("epoch({})", {exact_interval(depth)});
    default:
      return form("{}({} as double)", "{}(plain({}) as double)",
                  {any({"cast", "try_cast"}), make(Type::Text, depth)});
  }
}

Generated RandomExpressions::text(int depth) {
  switch (random_.below(12)) {
    case 0: return form("({} || {})", {make(Type::Text, depth), make(Type::Text, depth)});
    case 1:
      return form("{}({})",
                  {any({"lower", "upper", "trim", "ltrim", "rtrim"}), make(Type::Text, depth)});
    case 2:
      return form("substring({}, {}, {})", {make(Type::Text, depth), count(9, -4), count(9, -4)});
    case 3:
      return form("{}({}, {})",
                  {any({"left", "right", "substring"}), make(Type::Text, depth), count(9, -4)});
    case 4:
      return form("replace({}, {}, {})",
                  {make(Type::Text, depth), make(Type::Text, 0), make(Type::Text, 0)});
    case 5: return form("concat({}, {})", {make(Type::Text, depth), make(Type::Text, depth)});
    case 6: return form("cast({} as varchar)", {make(one_in(2) ? Type::Int64 : Type::Bool, depth)});
    case 7: return form("cast({} as varchar)", "number_text({})", {make(Type::Double, depth)});
    case 8:
      return form("({} || {})", "({} || number_text({}))",
                  {make(Type::Text, depth), make(Type::Double, depth)});
    case 9: return form("cast({} as varchar)", {make(Type::Date, depth)});
    case 10:
      return form("cast({} as varchar)",
                  zoned() ? "cast(cast({} as timestamp) as varchar)" : "cast({} as varchar)",
                  {make(Type::Timestamp, depth)});
    default:
      return form("{}({}, {})",
                  {any({"trim", "ltrim", "rtrim"}), make(Type::Text, depth), make(Type::Text, 0)});
  }
}

Generated RandomExpressions::timestamp(int depth) {
  switch (random_.below(7)) {
    case 0: return truncated(depth);
    case 1:
      return form("cast({} as timestamp)", zoned() ? "instant({})" : "cast({} as timestamp)",
                  {make(Type::Date, depth)});
    case 2:
      return form("({} + {})", zoned() ? "(instant({}) + {})" : "({} + {})",
                  {make(Type::Date, depth), exact_interval(zoned() ? 0 : depth)});
    case 3:
      if (zoned()) return moved(depth);
      // An offset is heeded.
      return form("{}({} as timestamp)", "timezone('UTC', {}(iso({}) as timestamptz))",
                  {any({"cast", "try_cast"}), make(Type::Text, depth)});
    case 4:
      if (zoned()) return moved(depth);
      return form("epoch_ms({} % 10000000000000::bigint)", {make(Type::Int64, depth)});
    default: return moved(depth);
  }
}

Generated RandomExpressions::truncated(int depth) {
  if (!zoned())
    return form("date_trunc('{}', {})", {any({"second", "minute", "hour", "day", "week", "month",
                                              "quarter", "year", "isoyear", "decade", "century"}),
                                         make(Type::Timestamp, depth)});
  // Both hours of an autumn night stay apart.
  if (one_in(3))
    return form("date_trunc('hour', {0})", "hour_of({0})", {make(Type::Timestamp, depth)});
  return form("date_trunc('{}', {})", "instant(date_trunc('{}', cast({} as timestamp)))",
              {any({"day", "week", "month", "quarter", "year"}), make(Type::Timestamp, depth)});
}

// A timestamp and an interval: the calendar's part is added to the local reading, and the exact
// part to the instant.
Generated RandomExpressions::moved(int depth) {
  const Generated sign = any({"+", "-"});
  if (one_in(2))
    return form("({} {} {})",
                {make(Type::Timestamp, depth), sign, exact_interval(zoned() ? 0 : depth)});
  const std::string unit = any({"days", "weeks", "months", "quarters", "years"}).text;
  const bool far = !zoned() || unit == "days" || unit == "weeks";
  const std::string calendar = fmt::format("{} {}", 1 + random_.below(far ? 40 : 3), unit);
  const std::string exact = one_in(2) ? fmt::format(" {} minutes", random_.below(3'000)) : "";
  const Generated interval = word(fmt::format("interval '{}{}'", calendar, exact));
  if (!zoned()) return form("({} {} {})", {make(Type::Timestamp, depth), sign, interval});
  return form("({0} {1} {2})",
              fmt::format("(instant(cast({{0}} as timestamp) {{1}} interval '{}') {{1}} interval "
                          "'{}')",
                          calendar, exact.empty() ? "0 minutes" : exact),
              {make(Type::Timestamp, depth), sign, interval});
}

Generated RandomExpressions::date(int depth) {
  switch (random_.below(6)) {
    case 0: return form("cast({} as date)", {make(Type::Timestamp, depth)});
    case 1: return form("({} {} {})", {make(Type::Date, depth), any({"+", "-"}), count(400)});
    case 2:
      if (zoned()) return form("({} - {})", {make(Type::Date, depth), count(50)});
      // DuckDB adds 32-bit integers to a date.
      return form(
          "({0} + {1})",
          "near({0} + cast({1} * (case when {0} is null then 0 else 1 end)::bigint as integer))",
          {make(Type::Date, depth), make(Type::Int64, depth)});
    case 3:
      if (zoned())
        return unfolded(
            form("make_date(2000 + {}, {}, {})", {count(20), count(13, 1), count(31, 1)}));
      return form("make_date({}, {}, {})", "make_date(near_year({}), {}, {})",
                  {make(Type::Int64, depth), count(14), count(33)});
    case 4:
      if (zoned()) return leaf(Type::Date);
      return form("{}({} as date)", "{}(iso({}) as date)",
                  {any({"cast", "try_cast"}), make(Type::Text, depth)});
    default: return form("({} - {})", {make(Type::Date, depth), count(50)});
  }
}

// Any, to compare: also those with months and days.
Generated RandomExpressions::interval(int depth) {
  switch (random_.below(6)) {
    case 0:
      return unfolded(form("interval '{} {} {} {}'",
                           {count(40, 1), any({"months", "years", "days", "weeks", "quarters"}),
                            count(90), any({"minutes", "seconds", "hours", "milliseconds"})}));
    case 1:
      return form("interval ({} % 10000) {}",
                  {make(Type::Int64, depth), any({"days", "months", "weeks", "years"})});
    case 2: return form("(- {})", {interval(depth - 1)});
    case 3: return form("({} {} {})", {interval(0), any({"+", "-"}), interval(0)});
    default: return exact_interval(depth);
  }
}

// Without months and days.
Generated RandomExpressions::exact_interval(int depth) {
  switch (random_.below(depth > 0 ? 7U : 3U)) {
    case 0:
    case 1:
      return unfolded(form("interval {} {}", {count(4'000), any({"minutes", "hours", "seconds"})}));
    case 2:
      return unfolded(form("interval '{}:{}:{}'", {count(30, 10), count(50, 10), count(50, 10)}));
    case 3:
      return form("interval ({} % 1000000) {}",
                  {make(Type::Int64, depth), any({"minutes", "hours", "seconds", "milliseconds"})});
    case 4: return form("(- {})", {exact_interval(depth - 1)});
    case 5: return form("({} * {})", {exact_interval(0), count(9, -4)});
    // Exact time, not days and hours.
    default:
      return form("({} - {})", "to_microseconds(epoch_us({}) - epoch_us({}))",
                  {make(Type::Timestamp, depth), make(Type::Timestamp, depth)});
  }
}

}  // namespace martlet::expr::testing
