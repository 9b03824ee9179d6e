// The column path and the row path of a program agree bit for bit, whatever the values.
#include "base/random.h"
#include "features/program.h"
#include "features/row_transform.h"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace {
std::atomic<std::size_t> allocations = 0;
}

// The whole program counts its allocations, so that a test can see that there are none.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace martlet::features {
namespace {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::ColumnBuilder;
using columns::Type;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Generator {
  explicit Generator(std::uint64_t seed) : random(seed) {}

  bool often() { return random.below(10) != 0; }

  Cell number() {
    switch (random.below(20)) {
      case 0: return Cell::none(Type::Double);
      case 1: return Cell::of_double(std::nan(""));
      case 2: return Cell::of_double(strange ? kInfinity : 3);
      case 3: return Cell::of_double(strange ? -kInfinity : -3);
      case 4: return Cell::of_double(-0.0);
      default: return Cell::of_double(random.normal() * 100);
    }
  }
  Cell text(std::size_t kinds) {
    static const std::vector<std::string> extra = {"", " aa ", "ÄÖ", "Straße", "B-6"};
    if (!often()) return Cell::none(Type::Text);
    if (random.below(8) == 0) return Cell::of_text(extra[random.below(extra.size())]);
    words.push_back((unseen && random.below(4) == 0 ? "new" : "k") +
                    std::to_string(random.below(kinds)));
    return Cell::of_text(words.back());
  }
  Cell time() {  // around both clock changes of New York in 2013, and in between
    const std::int64_t starts[] = {1362873600, 1383436800, 1356998400};
    const std::int64_t seconds =
        starts[random.below(3)] +
        static_cast<std::int64_t>(random.below(random.below(2) ? 172800 : 31536000));
    return Cell::of_timestamp({seconds * kMicrosPerSecond + 123456});
  }
  Cell cell(Type type, std::size_t kinds) {
    switch (type) {
      case Type::Double: return number();
      case Type::Text: return text(kinds);
      case Type::Bool: return often() ? Cell::of_bool(random.below(2) == 0) : Cell::none(type);
      case Type::Int64:
        return often() ? Cell::of_int64(static_cast<std::int64_t>(random.below(kinds)) - 5)
                       : Cell::none(type);
      case Type::Timestamp: return time();
      case Type::Date:
        return often() ? Cell::of_date(static_cast<std::int64_t>(random.below(40000)) - 10000)
                       : Cell::none(type);
    }
    return {};
  }

  SeededRandom random;
  bool strange = false;
  bool unseen = false;
  std::deque<std::string> words;
};

struct Wanted {
  const char* name;
  Type type;
  std::size_t kinds;
};
const std::vector<Wanted> kColumns = {
    {"at", Type::Timestamp, 0},  {"amount", Type::Double, 0},  {"clipped", Type::Double, 0},
    {"filled", Type::Double, 0}, {"count", Type::Int64, 30},   {"code", Type::Int64, 12},
    {"flag", Type::Bool, 2},     {"carrier", Type::Text, 9},   {"dest", Type::Text, 60},
    {"tail", Type::Text, 400},   {"town", Type::Text, 300},    {"day", Type::Date, 0},
    {"unused", Type::Double, 0}, {"cleaned", Type::Int64, 50}, {"airport", Type::Text, 6},
};

Batch rows_of(Generator& generator, std::size_t rows) {
  std::vector<columns::Field> fields;
  std::vector<Column> columns;
  for (const Wanted& wanted : kColumns) {
    ColumnBuilder builder(wanted.type);
    for (std::size_t i = 0; i < rows; ++i) builder.push(generator.cell(wanted.type, wanted.kinds));
    fields.push_back({wanted.name, wanted.type});
    columns.push_back(builder.finish());
  }
  return Batch(columns::Schema(std::move(fields)), std::move(columns));
}

constexpr const char* kConfig = R"yaml(
drop: [unused]
derive:
  ratio: "amount / nullif(count, 0)"
  local_hour: "hour(at)"
  label: "case when amount > 0 then upper(carrier) else dest end"
  yesterday: "cast(decided_at as date) - 1"
  gap: "weather.temp - amount"
columns:
  at: {parts: [hour, weekday, month, day, dayofyear, minute, year, week, quarter, date], cyclic: true}
  day: {parts: [weekday, month, week, date]}
  clipped: {clip: {quantiles: [0.05, 0.95]}, fill: mean, scale: standard}
  filled: {fill: -1}
  code: {categorical: true}
  dest: {encode: hash, buckets: 16}
  tail: {encode: target}
  town: {encode: one_hot}
  carrier: {fill: mode}
lookups:
  weather: {dataset: weather, key: carrier, at: hour, known_at: loaded, features: [temp, sky, rank], max_age: 30d}
  daily: {dataset: daily, key: {yesterday: day, airport: airport}, at: at, features: [share]}
)yaml";

Lookups tables(const FeatureConfig& config, Generator& generator, const Zone& zone) {
  ColumnBuilder carrier(Type::Text), hour(Type::Timestamp), loaded(Type::Timestamp),
      temp(Type::Double), sky(Type::Text), rank(Type::Int64);
  for (int i = 0; i < 3000; ++i) {
    carrier.push(Cell::of_text("K" + std::to_string(generator.random.below(9))));
    const Cell at = generator.time();
    hour.push(at);
    loaded.push(Cell::of_timestamp(
        {at.integer + static_cast<std::int64_t>(generator.random.below(86400)) * 1000000}));
    temp.push(generator.number());
    sky.push(generator.text(4));
    rank.push(generator.cell(Type::Int64, 9));
  }
  const Batch weather(columns::Schema({{"carrier", Type::Text},
                                       {"hour", Type::Timestamp},
                                       {"loaded", Type::Timestamp},
                                       {"temp", Type::Double},
                                       {"sky", Type::Text},
                                       {"rank", Type::Int64}}),
                      {carrier.finish(), hour.finish(), loaded.finish(), temp.finish(),
                       sky.finish(), rank.finish()});
  ColumnBuilder day(Type::Date), airport(Type::Text), at(Type::Timestamp), share(Type::Double);
  for (int i = 0; i < 4000; ++i) {
    const std::int64_t days = 15700 + static_cast<std::int64_t>(generator.random.below(380));
    day.push(Cell::of_date(days));
    airport.push(generator.text(6));
    at.push(Cell::of_timestamp({days * kMicrosPerDay}));
    share.push(Cell::of_double(generator.random.uniform()));
  }
  const Batch daily(columns::Schema({{"day", Type::Date},
                                     {"airport", Type::Text},
                                     {"at", Type::Timestamp},
                                     {"share", Type::Double}}),
                    {day.finish(), airport.finish(), at.finish(), share.finish()});
  Lookups lookups;
  for (const LookupConfig& lookup : config.lookups) {
    auto table = LookupTable::build(lookup, lookup.name == "weather" ? weather : daily, "v1", zone);
    EXPECT_TRUE(table.has_value()) << table.error().message();
    lookups[lookup.name] = *table;
  }
  return lookups;
}

struct Case {
  Family family;
  Task task;
};

class BothPaths : public testing::TestWithParam<Case> {};

TEST_P(BothPaths, give_the_same_bits_on_generated_rows) {
  std::vector<Finding> findings;
  const auto yaml = Yaml::parse(kConfig, "martlet.yaml");
  ASSERT_TRUE(yaml.has_value()) << yaml.error().message();
  FitRequest request;
  request.config = parse_features(*yaml, findings);
  ASSERT_TRUE(findings.empty()) << to_text(findings.front());

  Generator generator(20130310);
  request.rows = rows_of(generator, 3000);
  for (std::uint32_t i = 0; i < 2500; ++i) request.training_rows.push_back(i);
  for (std::size_t i = 0; i < 3000; ++i)
    request.target.push_back(
        GetParam().task == Task::Regression
            ? generator.random.normal()
            : static_cast<double>(generator.random.below(GetParam().task == Task::Binary ? 2 : 3)));
  request.target[7] = std::nan("");
  request.family = GetParam().family;
  request.task = GetParam().task;
  request.decided_at = {"at - interval 1 hour", "at", *Zone::find("America/New_York")};
  request.cleaning = {
      {CleaningStep::Kind::Normalise, "carrier", true, LetterCase::Upper, {{"B-6", "B6"}}, {}, {}},
      {CleaningStep::Kind::Fill,
       "cleaned",
       false,
       LetterCase::Keep,
       {},
       {FillMethod::Median, ""},
       {}},
      {CleaningStep::Kind::Clip,
       "amount",
       false,
       LetterCase::Keep,
       {},
       {},
       {ClipMethod::Quantiles, 0.01, 0.99}},
      {CleaningStep::Kind::Fill,
       "airport",
       false,
       LetterCase::Keep,
       {},
       {FillMethod::Mode, ""},
       {}}};
  request.lookups = tables(request.config, generator, request.decided_at.zone);

  const auto fitted = FeatureProgram::fit(request);
  ASSERT_TRUE(fitted.has_value()) << fitted.error().message();
  const auto again = FeatureProgram::fit(request);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(fitted->program.digest(), again->program.digest());
  const auto stored = parse_json(canonical_json(fitted->program.to_json()));
  ASSERT_TRUE(stored.has_value());
  const auto program = FeatureProgram::from_json(*stored);
  ASSERT_TRUE(program.has_value()) << program.error().message();
  EXPECT_EQ(program->digest(), fitted->program.digest());

  generator.strange = true;
  generator.unseen = true;
  const Batch rows = rows_of(generator, 2000);
  const auto matrix = fitted->program.apply(rows, request.lookups);
  ASSERT_TRUE(matrix.has_value()) << matrix.error().message();
  ASSERT_EQ(matrix->values.size(), 2000 * matrix->width());
  auto transform = RowTransform::create(*program, request.lookups);
  ASSERT_TRUE(transform.has_value());

  const auto names = program->input_schema().names();
  const auto inputs = rows.select(names);
  ASSERT_TRUE(inputs.has_value());
  EXPECT_FALSE(inputs->find("unused"));
  std::vector<double> out(matrix->width());
  std::vector<std::size_t> present(matrix->width());
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const columns::Row cells = inputs->row(row);
    const auto done = transform->apply(cells.cells(), out);
    ASSERT_TRUE(done.has_value()) << done.error().message();
    for (std::size_t column = 0; column < out.size(); ++column) {
      ASSERT_EQ(std::bit_cast<std::uint64_t>(out[column]),
                std::bit_cast<std::uint64_t>(matrix->row(row)[column]))
          << "row " << row << ", " << matrix->columns[column].name << ": " << out[column] << " and "
          << matrix->row(row)[column];
      present[column] += !std::isnan(out[column]);
      const bool must_be_finite = GetParam().family == Family::Linear;
      ASSERT_TRUE(!must_be_finite || std::isfinite(out[column])) << matrix->columns[column].name;
    }
  }

  // Only a change of case beyond ASCII may allocate.
  const Column& carriers = *inputs->find("carrier");
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    if (carriers.text(row) == "ÄÖ" || carriers.text(row) == "Straße") continue;
    const columns::Row cells = inputs->row(row);
    const std::size_t before = allocations;
    const bool done = transform->apply(cells.cells(), out).has_value();
    ASSERT_EQ(allocations, before) << "row " << row << (done ? "" : ", which failed");
  }
  for (std::size_t column = 0; column < out.size(); ++column)
    EXPECT_GT(present[column], 100u) << matrix->columns[column].name << " is hardly ever there";
}

INSTANTIATE_TEST_SUITE_P(Families, BothPaths,
                         testing::Values(Case{Family::Tree, Task::Binary},
                                         Case{Family::Linear, Task::Binary},
                                         Case{Family::Tree, Task::Multiclass},
                                         Case{Family::Linear, Task::Regression}));

}  // namespace
}  // namespace martlet::features
