#include "base/random.h"
#include "features/lookup_table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::features {
namespace {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::ColumnBuilder;
using columns::Schema;
using columns::Type;

LookupConfig config_of(std::string known_at, std::optional<Duration> max_age) {
  LookupConfig config;
  config.name = "then";
  config.dataset = "weather";
  config.keys = {{"origin", "origin"}, {"line", "line"}};
  config.at = "at";
  config.known_at = std::move(known_at);
  config.features = {"value"};
  config.max_age = max_age;
  return config;
}

struct Entry {
  Cell origin, line, at, known, value;
};

Batch batch_of(const std::vector<Entry>& entries) {
  ColumnBuilder origin(Type::Text), line(Type::Int64), at(Type::Timestamp), known(Type::Timestamp),
      value(Type::Int64);
  for (const Entry& entry : entries) {
    origin.push(entry.origin);
    line.push(entry.line);
    at.push(entry.at);
    known.push(entry.known);
    value.push(entry.value);
  }
  return Batch(Schema({{"origin", Type::Text},
                       {"line", Type::Int64},
                       {"at", Type::Timestamp},
                       {"known", Type::Timestamp},
                       {"value", Type::Int64}}),
               {origin.finish(), line.finish(), at.finish(), known.finish(), value.finish()});
}

// Every row, one by one: valid, known, not too old; of those the latest, then known last, then last
// in the dataset.
std::optional<std::size_t> by_force(const std::vector<Entry>& entries, const LookupConfig& config,
                                    const std::vector<Cell>& key, Timestamp now) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const Cell& known = config.known_at.empty() ? entry.at : entry.known;
    if (entry.origin.missing || entry.line.missing || entry.at.missing || known.missing ||
        key[0].missing || key[1].missing)
      continue;
    if (entry.origin.text != key[0].text || entry.line.integer != key[1].integer) continue;
    if (entry.at.integer > now.micros || known.integer > now.micros) continue;
    if (best) {
      const Entry& other = entries[*best];
      const Cell& other_known = config.known_at.empty() ? other.at : other.known;
      if (std::pair(entry.at.integer, known.integer) <
          std::pair(other.at.integer, other_known.integer))
        continue;
    }
    best = i;
  }
  if (best && config.max_age && now.micros - entries[*best].at.integer > config.max_age->count())
    return std::nullopt;
  return best;
}

TEST(LookupTable, finds_what_a_search_through_all_rows_finds) {
  static const std::vector<std::string> origins = {"JFK", "LGA", "EWR", ""};
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    const bool late = seed % 3 == 0;  // known long after, and in any order
    const bool has_known = seed % 2 == 0 || late;
    const auto missing = [&] { return random.below(15) == 0; };
    std::vector<Entry> entries;
    for (std::int64_t i = 0; i < 120; ++i) {
      Entry entry;
      entry.origin = missing() ? Cell::none(Type::Text) : Cell::of_text(origins[random.below(4)]);
      entry.line = missing() ? Cell::none(Type::Int64)
                             : Cell::of_int64(static_cast<std::int64_t>(random.below(2)));
      const auto at = static_cast<std::int64_t>(random.below(200));
      entry.at = missing() ? Cell::none(Type::Timestamp) : Cell::of_timestamp({at});
      entry.known =
          missing()
              ? Cell::none(Type::Timestamp)
              : Cell::of_timestamp({at + static_cast<std::int64_t>(late ? random.below(150) : 3)});
      entry.value = Cell::of_int64(i);
      entries.push_back(entry);
    }
    const LookupConfig config =
        config_of(has_known ? "known" : "",
                  seed % 5 == 0 ? std::optional<Duration>(Duration(20)) : std::nullopt);
    const auto table = LookupTable::build(config, batch_of(entries), "v7", Zone::utc());
    ASSERT_TRUE(table.has_value()) << table.error().message();
    EXPECT_EQ((*table)->rows() + (*table)->left_out(), entries.size());
    for (int query = 0; query < 200; ++query) {
      const std::vector<Cell> key = {missing() ? Cell::none(Type::Text)
                                               : Cell::of_text(origins[random.below(4)]),
                                     Cell::of_int64(static_cast<std::int64_t>(random.below(3)))};
      const Timestamp now{static_cast<std::int64_t>(random.below(260))};
      const auto expected = by_force(entries, config, key, now);
      const auto found = (*table)->find(key, now);
      ASSERT_EQ(found.has_value(), expected.has_value()) << "at " << now.micros;
      if (!found) continue;
      ASSERT_EQ((*table)->feature(0).cell(*found).integer, static_cast<std::int64_t>(*expected));
      EXPECT_LE((*table)->at(*found).micros, now.micros);
      EXPECT_LE((*table)->known_at(*found).micros, now.micros);
    }
  }
}

Entry entry(const char* origin, std::int64_t at, std::int64_t known, std::int64_t value) {
  return {Cell::of_text(origin), Cell::of_int64(1), Cell::of_timestamp({at}),
          Cell::of_timestamp({known}), Cell::of_int64(value)};
}

TEST(LookupTable, a_correction_counts_only_from_when_it_was_known) {
  const auto table = LookupTable::build(
      config_of("known", std::nullopt),
      batch_of({entry("JFK", 10, 12, 1), entry("JFK", 10, 50, 2), entry("JFK", 8, 9, 3)}), "v1",
      Zone::utc());
  ASSERT_TRUE(table.has_value());
  const std::vector<Cell> key = {Cell::of_text("JFK"), Cell::of_int64(1)};
  const auto value_at = [&](std::int64_t now) {
    const auto row = (*table)->find(key, {now});
    return row ? (*table)->feature(0).cell(*row).integer : -1;
  };
  EXPECT_EQ(value_at(8), -1);
  EXPECT_EQ(value_at(11), 3);
  EXPECT_EQ(value_at(12), 1);
  EXPECT_EQ(value_at(49), 1);
  EXPECT_EQ(value_at(50), 2);
}

TEST(LookupTable, whole_numbers_find_numbers_of_the_same_value) {
  const auto table = LookupTable::build(config_of("", std::nullopt),
                                        batch_of({entry("JFK", 10, 10, 1)}), "v1", Zone::utc());
  ASSERT_TRUE(table.has_value());
  const auto find = [&](const Cell& line) {
    return (*table)->find(std::vector<Cell>{Cell::of_text("JFK"), line}, {10}).has_value();
  };
  EXPECT_TRUE(find(Cell::of_double(1.0)));
  EXPECT_FALSE(find(Cell::of_double(1.5)));
  EXPECT_FALSE(find(Cell::of_double(std::nan(""))));
  EXPECT_FALSE(find(Cell::of_double(1e300)));
}

TEST(LookupTable, dates_count_from_local_midnight) {
  LookupConfig config;
  config.name = "daily";
  config.dataset = "days";
  config.keys = {{"k", "k"}};
  config.at = "day";
  config.features = {"k"};
  const auto zone = Zone::find("America/New_York");
  ASSERT_TRUE(zone.has_value());
  const Batch days(Schema({{"k", Type::Int64}, {"day", Type::Date}}),
                   {Column::of_int64s({1}), Column::of_dates({15706})});  // 2013-01-01
  const auto table = LookupTable::build(config, days, "v1", *zone);
  ASSERT_TRUE(table.has_value()) << table.error().message();
  const std::vector<Cell> key = {Cell::of_int64(1)};
  const std::int64_t midnight = (15706 * 24 + 5) * 3600 * kMicrosPerSecond;  // 05:00 UTC
  EXPECT_FALSE((*table)->find(key, {midnight - 1}).has_value());
  EXPECT_TRUE((*table)->find(key, {midnight}).has_value());
}

TEST(LookupTable, all_unusable_columns_are_reported_at_once) {
  LookupConfig config = config_of("knwn", std::nullopt);
  config.at = "value";
  config.features = {"valu"};
  const auto table =
      LookupTable::build(config, batch_of({entry("JFK", 1, 1, 1)}), "v1", Zone::utc());
  ASSERT_FALSE(table.has_value());
  EXPECT_EQ(table.error().findings().size(), 3u) << table.error().message();
  EXPECT_NE(table.error().message().find("did you mean \"value\""), std::string::npos);
}

TEST(LookupTable, an_empty_dataset_finds_nothing) {
  const auto table =
      LookupTable::build(config_of("", std::nullopt), batch_of({}), "v1", Zone::utc());
  ASSERT_TRUE(table.has_value());
  const std::vector<Cell> key = {Cell::of_text("JFK"), Cell::of_int64(1)};
  EXPECT_FALSE((*table)->find(key, {10}).has_value());
}

}  // namespace
}  // namespace martlet::features
