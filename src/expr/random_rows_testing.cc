#include "expr/random_rows_testing.h"

#include "base/time.h"

#include <array>
#include <limits>
#include <string>

namespace martlet::expr::testing {
namespace {

using columns::Type;
using Int = std::int64_t;

Int below(Random& random, std::uint64_t bound) { return static_cast<Int>(random.below(bound)); }

Int random_integer(Random& random) {
  constexpr Int kMax = std::numeric_limits<Int>::max();
  constexpr Int kMin = std::numeric_limits<Int>::min();
  switch (random.below(10)) {
    case 0: return kMax - below(random, 3);
    case 1: return kMin + below(random, 3);
    case 2: return below(random, 2'000'000) - 1'000'000;
    case 3: return (Int{1} << (30 + below(random, 33))) + below(random, 3) - 1;
    default: return below(random, 13) - 4;
  }
}

double random_number(Random& random) {
  static constexpr std::array<double, 22> kEdges = {0.0,
                                                    -0.0,
                                                    0.5,
                                                    1.5,
                                                    2.5,
                                                    -0.5,
                                                    -2.5,
                                                    0.49999999999999994,
                                                    9007199254740993.0,
                                                    9223372036854775807.0,
                                                    -9223372036854775808.0,
                                                    9223372036854774784.0,
                                                    1e308,
                                                    -1.7976931348623157e308,
                                                    5e-324,
                                                    -2.2250738585072014e-308,
                                                    1e15,
                                                    1e16,
                                                    9999999999999998.0,
                                                    1e-4,
                                                    9.9999e-5,
                                                    0.1};
  switch (random.below(8)) {
    case 0: return std::numeric_limits<double>::quiet_NaN();
    case 1:
      return random.below(2) == 0 ? std::numeric_limits<double>::infinity()
                                  : -std::numeric_limits<double>::infinity();
    case 2: return kEdges[random.below(kEdges.size())];
    case 3: return random.normal() * 1e12;
    case 4: return static_cast<double>(random.below(9)) / 2 - 2;
    default: return random.normal() * 10;
  }
}

// Letters of two to four bytes, whose case changes their length or isn't a letter's at all;
// combining marks, joined emoji, the neighbours of the surrogates, spaces of many kinds.
constexpr std::array<std::string_view, 44> kPieces = {
    "a",  "b",  "ab",     "Z",      "ü",      "ß",      "日本",       " ",       "%",
    "_",  "12", "-3.5",   "x",      "É",      ".",      "nan",        "\\",      "İ",
    "ı",  "ſ",  "ǅ",      "ẞ",      "ﬁ",      "Σς",     "\u212a",     "e\u0301", "👩‍👧",
    "𐐀",  "𐐨",  "\ud7ff", "\ue000", "\ufffd", "\uffff", "\U0010ffff", "\u00a0",  "\u3000",
    "\t", "\n", "\u200b", "'",      "ⱥ",      "Ⱥ",      "ŉ",          "5e2"};
// What casts read, or nearly do.
constexpr std::array<std::string_view, 65> kCastable = {"0",
                                                        "-0",
                                                        "+7",
                                                        "7.",
                                                        ".5",
                                                        "-.5",
                                                        "0.5",
                                                        "1.5",
                                                        "2.5",
                                                        "-2.5",
                                                        "2.4999999999999999999",
                                                        "9223372036854775807",
                                                        "9223372036854775808",
                                                        "-9223372036854775808",
                                                        "9223372036854775807.4",
                                                        "9223372036854775807.5",
                                                        "1e3",
                                                        "1E3",
                                                        "1e-3",
                                                        "1e+3",
                                                        "12345678901234567890e-5",
                                                        "1e400",
                                                        "1e-400",
                                                        "4.9e-324",
                                                        "1.7976931348623157e308",
                                                        "inf",
                                                        "-Infinity",
                                                        "nan",
                                                        " 12 ",
                                                        "\t12\n",
                                                        "1 2",
                                                        "--1",
                                                        "1e",
                                                        "e1",
                                                        "true",
                                                        "FALSE",
                                                        "t",
                                                        "no",
                                                        "yes",
                                                        "2024-02-29",
                                                        "2023-02-29",
                                                        "2024-02-30",
                                                        "2024-03-10 02:30:00",
                                                        "2024-11-03 01:30:00",
                                                        "2024-06-01T12:00:00.123456",
                                                        "2024-06-01 12:00:60",
                                                        "2024-06-01 24:00:00",
                                                        "1969-12-31 23:59:59.999999",
                                                        "2024-06-01 12:34",
                                                        "0001-01-01",
                                                        "2024-06-01T12:00:00Z",
                                                        "2024-06-01t12:00:00",
                                                        "2024-06-01T12:00:00z",
                                                        "2024-06-01 12:00:00,5",
                                                        "2024-06-01T12:00Z",
                                                        "2024-06-01 12:00+05:30",
                                                        "2024-06-01 12:00 UTC",
                                                        "2024-06-01 12:00:00 UTC",
                                                        "2024-06-01 12:00:00UTC",
                                                        "2024-06-01 12:00:00-0330",
                                                        "2024-06-01 12:00:00.1234567+18",
                                                        "2024-06-01 12:00:00.5Z ",
                                                        "2024-06-01Z",
                                                        "0000-03-01 00:00:00",
                                                        "2024-06-01 12:00:00+05:30"};

std::string random_text(Random& random) {
  if (random.below(6) == 0) return std::string(kCastable[random.below(kCastable.size())]);
  std::string text;
  for (std::uint64_t k = random.below(5); k > 0; --k) text += kPieces[random.below(kPieces.size())];
  return text;
}

// 1930 to 2060, mostly whole minutes; now and then far out.
Int random_micros(Random& random) {
  const Int minutes = below(random, 130ULL * 365 * 24 * 60) - 40LL * 365 * 24 * 60;
  const Int rest = random.below(4) == 0 ? below(random, 60'000'000) : 0;
  if (random.below(16) == 0) return (below(random, 3'600'000) - 700'000) * kMicrosPerDay + rest;
  return minutes * 60 * kMicrosPerSecond + rest;
}

// Ordinary days, leap days and the ends of months, and the first and the last that people write.
Int random_day(Random& random) {
  switch (random.below(8)) {
    case 0:
      return days_from_civil(CivilDate{1896 + static_cast<int>(random.below(60)) * 4, 2, 28}) +
             below(random, 3);
    case 1:
      return days_from_civil(CivilDate{1950 + static_cast<int>(random.below(100)),
                                       1 + static_cast<int>(random.below(12)), 1}) -
             1;
    case 2: return random.below(2) == 0 ? -719'162 : 2'932'896;
    default: return below(random, 47'000) - 14'000;
  }
}

constexpr Int kFirst = 473'385'600 * kMicrosPerSecond;   // 1985-01-01
constexpr Int kLast = 1'704'067'200 * kMicrosPerSecond;  // 2024-01-01

struct Times {
  const std::vector<Int>* changes = nullptr;  // of a zone's clocks; nullptr: any instant will do

  Int instant(Random& random) const {
    if (changes == nullptr) return random_micros(random);
    constexpr Int kHalfMinute = 30 * kMicrosPerSecond;
    if (changes->empty() || random.below(2) == 0)
      return kFirst + below(random, static_cast<std::uint64_t>((kLast - kFirst) / kHalfMinute)) *
                          kHalfMinute;
    const Int change = (*changes)[random.below(changes->size())];
    // Two days around it: so that a day's sum or difference crosses it too.
    return change + (below(random, 4 * 24 * 120) - 2 * 24 * 120) * kHalfMinute;
  }
  Int day(Random& random) const {
    if (changes == nullptr) return random_day(random);
    return instant(random) / kMicrosPerDay;
  }
};

void push_random(columns::ColumnBuilder& builder, Type type, Random& random, const Times& times) {
  switch (type) {
    case Type::Bool: return builder.push_bool(random.below(2) == 0);
    case Type::Int64: return builder.push_int64(random_integer(random));
    case Type::Double: return builder.push_double(random_number(random));
    case Type::Text: return builder.push_text(random_text(random));
    case Type::Timestamp: return builder.push_int64(times.instant(random));
    case Type::Date: return builder.push_int64(times.day(random));
  }
}

columns::Batch make_batch(Random& random, std::size_t rows, const Times& times) {
  const columns::Schema schema = random_schema();
  std::vector<columns::Column> columns;
  for (const columns::Field& field : schema.fields()) {
    columns::ColumnBuilder builder(field.type);
    const bool has_missing = random.below(4) != 0;
    for (std::size_t row = 0; row < rows; ++row) {
      if (has_missing && random.below(5) == 0)
        builder.push_missing();
      else
        push_random(builder, field.type, random, times);
    }
    columns.push_back(builder.finish());
  }
  return columns::Batch(schema, std::move(columns));
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
  return make_batch(random, rows, Times{});
}

columns::Batch random_batch_around(Random& random, std::size_t rows,
                                   const std::vector<std::int64_t>& changes) {
  return make_batch(random, rows, Times{&changes});
}

std::vector<std::int64_t> clock_changes(const Zone& zone) {
  const auto offset = [&](Int at) { return zone.local_micros(Timestamp{at}) - at; };
  constexpr Int kStep = 7 * kMicrosPerDay;  // shorter than any time between two changes
  std::vector<Int> changes;
  for (Int from = kFirst; from < kLast; from += kStep) {
    if (offset(from) == offset(from + kStep)) continue;
    Int before = from;
    Int after = from + kStep;
    while (after - before > kMicrosPerSecond) {
      const Int middle = before + (after - before) / 2;
      (offset(middle) == offset(from) ? before : after) = middle;
    }
    changes.push_back(after / kMicrosPerSecond * kMicrosPerSecond);
  }
  return changes;
}

}  // namespace martlet::expr::testing
