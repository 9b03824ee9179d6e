#include "base/digest.h"
#include "base/durable_directory.h"
#include "base/fake_file_system.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/pattern.h"
#include "base/quantity.h"
#include "base/random.h"
#include "base/text.h"
#include "base/time.h"
#include "base/zone.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace martlet {
namespace {

TEST(Digest, of_abc_equals_the_published_vector) {
  // FIPS 180-4, example "abc".
  EXPECT_EQ(digest_of("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Digest::parse(digest_of("abc").text()).value(), digest_of("abc"));
  EXPECT_FALSE(Digest::parse("sha256:BA78").has_value());
}

TEST(Json, canonical_form_sorts_keys_and_writes_numbers_as_ecmascript_does) {
  const Json value =
      parse_json(
          R"({"b":1e21,"a":[1.0,0.1,-0.0,1e-7,123456789012345680000,9007199254740993],"é":"\u000f"})")
          .value();
  EXPECT_EQ(canonical_json(value), "{\"a\":[1,0.1,0,1e-7,123456789012345680000,"
                                   "\"9007199254740993\"],\"b\":1e+21,\"é\":\"\\u000f\"}");
}

TEST(Json, duplicate_keys_depth_and_rubbish_are_refused) {
  EXPECT_FALSE(parse_json(R"({"a":1,"a":2})").has_value());
  EXPECT_FALSE(parse_json(std::string(65, '[') + std::string(65, ']')).has_value());
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']')).has_value());
  EXPECT_FALSE(parse_json("{\"a\":NaN}").has_value());
  EXPECT_FALSE(parse_json("\"\xff\"").has_value());
  EXPECT_FALSE(parse_json("[1] 2").has_value());
}

TEST(Json, members_keep_their_order_and_values_their_places) {
  const std::string text =
      R"({"b":{"z":[1,[],{"y":null}],"a":{}},"a":[{"c":true},-2,1.5,"x",18446744073709551615]})";
  EXPECT_EQ(to_text(*parse_json(text)), text);
  EXPECT_EQ(to_text(*parse_json("[]")), "[]");
  EXPECT_EQ(to_text(*parse_json("null")), "null");
  EXPECT_FALSE(parse_json("[1,").has_value());
  EXPECT_FALSE(parse_json("{\"a\":1}{").has_value());
  EXPECT_FALSE(parse_json("1e999").has_value());
}

// In time that grows with the square, this would take a minute.
TEST(Json, an_object_of_very_many_members_is_read_in_passing) {
  std::string text = "{";
  for (int k = 0; k < 200'000; ++k) text += fmt::format("{}\"k{}\":{}", k > 0 ? "," : "", k, k);
  const Result<Json> json = parse_json(text + "}");
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(json->size(), 200'000U);
  EXPECT_EQ(json->back(), 199'999);
  EXPECT_FALSE(parse_json(text + ",\"k17\":1}").has_value());
}

TEST(Json, shortest_number_reads_back_as_the_same_double) {
  SeededRandom random(1);
  for (int i = 0; i < 20'000; ++i) {
    const double value =
        std::ldexp(random.uniform() - 0.5, static_cast<int>(random.below(600)) - 300);
    EXPECT_EQ(std::stod(shortest(value)), value);
  }
}

TEST(Time, texts_of_instants_read_back) {
  EXPECT_EQ(to_text(parse_timestamp_utc("2013-04-01T05:15:00-04:00").value()),
            "2013-04-01T09:15:00Z");
  EXPECT_EQ(to_text(parse_timestamp_utc("2013-04-01 05:15:00.25").value()),
            "2013-04-01T05:15:00.25Z");
  EXPECT_EQ(date_text(parse_date("2000-02-29").value()), "2000-02-29");
  for (const char* bad : {"2013-02-29", "2013-04-01T24:00", "13-04-01", "2013-04-01T05",
                          "2013-04-01T05:15:00+25:00", ""}) {
    EXPECT_FALSE(parse_timestamp_utc(bad).has_value()) << bad;
  }
}

TEST(Time, civil_days_round_trip_over_four_centuries) {
  for (std::int64_t days = -100'000; days < 100'000; days += 7) {
    EXPECT_EQ(days_from_civil(civil_from_days(days)), days);
  }
  EXPECT_EQ(weekday_of(days_from_civil({2026, 11, 23})), 0);
}

TEST(Time, durations_are_read_and_written) {
  EXPECT_EQ(parse_duration("1h30m").value(), std::chrono::minutes(90));
  EXPECT_EQ(to_text(parse_duration("90s").value()), "1m30s");
  EXPECT_EQ(to_text(parse_duration("3d").value()), "3d");
  for (const char* bad : {"", "10", "h", "-3d", "9999999999999999999d", "300000000d", "3 d"}) {
    EXPECT_FALSE(parse_duration(bad).has_value()) << bad;
  }
}

TEST(Time, the_first_and_the_last_instant_can_be_read_and_written) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  // As Python's integers count: divmod(-2**63, 86400 * 10**6) and the calendar of 400 years.
  EXPECT_EQ(to_text(Timestamp{kMax}), "294247-01-10T04:00:54.775807Z");
  EXPECT_EQ(to_text(Timestamp{kMin}), "-290308-12-21T19:59:05.224192Z");
  for (const std::int64_t micros : {kMin, kMin + 1, kMax - 1, kMax})
    EXPECT_EQ(from_civil_utc(civil_utc(Timestamp{micros})).micros, micros);
  EXPECT_EQ(from_civil_utc({{400'000, 1, 1}, 0, 0, 0, 0}).micros, kMax);
  EXPECT_EQ(from_civil_utc({{-400'000, 1, 1}, 0, 0, 0, 0}).micros, kMin);
  EXPECT_EQ(weekday_of(kMax), (kMax % 7 + 3) % 7);
  EXPECT_EQ(date_text(kMax), date_text(kMax - 1));
  EXPECT_EQ(to_text(Duration(kMin)), "-106751991d4h54s775ms808us");
  for (const std::string_view name : {"America/New_York", "Asia/Kolkata"}) {
    const Zone zone = *Zone::find(name);
    for (const std::int64_t micros : {kMin, kMax}) {
      const CivilTime local = zone.local(Timestamp{micros});
      EXPECT_LE(std::abs(zone.instant(local).micros / 2 - micros / 2), 24 * 3600 * kMicrosPerSecond)
          << name;
    }
  }
}

TEST(Zone, new_york_follows_daylight_saving) {
  const Zone zone = Zone::find("America/New_York").value();
  EXPECT_EQ(zone.local(parse_timestamp_utc("2013-01-01T10:15:00Z").value()).hour, 5);
  EXPECT_EQ(zone.local(parse_timestamp_utc("2013-07-01T10:15:00Z").value()).hour, 6);
  // The gap of 2013-03-10: 02:30 does not exist and is read as 03:30. The overlap of 2013-11-03:
  // the first 01:30.
  EXPECT_EQ(to_text(zone.instant({{2013, 3, 10}, 2, 30, 0, 0})), "2013-03-10T07:30:00Z");
  EXPECT_EQ(to_text(zone.instant({{2013, 11, 3}, 1, 30, 0, 0})), "2013-11-03T05:30:00Z");
}

TEST(Zone, unknown_names_get_the_nearest_known_one) {
  const auto zone = Zone::find("America/NewYork");
  ASSERT_FALSE(zone.has_value());
  EXPECT_NE(zone.error().message().find("America/New_York"), std::string::npos);
}

TEST(Quantity, sizes_and_shares_are_read) {
  EXPECT_EQ(parse_size("2GiB").value(), std::int64_t{2} << 30);
  EXPECT_EQ(parse_size("10kB").value(), 10'000);
  EXPECT_EQ(parse_share("30%").value(), 0.3);
  EXPECT_FALSE(parse_share("130%").has_value());
  EXPECT_FALSE(parse_size("-1").has_value());
  EXPECT_FALSE(parse_number("1e999").has_value());
  EXPECT_FALSE(parse_number("nan").has_value());
}

TEST(Text, the_nearest_name_is_found_and_a_far_one_is_not) {
  const std::vector<std::string> names{"question", "decision", "baselines"};
  EXPECT_EQ(nearest("desicion", names), "decision");
  EXPECT_EQ(nearest("zzzzzzzz", names), "");
  EXPECT_EQ(upper_unicode("straße é"), "STRAẞE É");  // as DuckDB 1.5.5 answers
}

TEST(Text, characters_are_counted_not_bytes) {
  EXPECT_EQ(character_count(""), 0U);
  EXPECT_EQ(character_count("größe"), 5U);
  EXPECT_EQ(character_count("标签 \U0001F600"), 4U);
}

TEST(Pattern, like_matches_as_sql_does) {
  EXPECT_TRUE(Pattern::like("a_c%").value().matches_whole("abc.def"));
  EXPECT_FALSE(Pattern::like("a.c").value().matches_whole("abc"));
  EXPECT_FALSE(Pattern::compile("(").has_value());
}

TEST(Random, the_sequence_of_a_seed_never_changes) {
  SeededRandom random(42);
  EXPECT_EQ(random.next(), 1546998764402558742ull);
  SeededRandom again(7);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) sum += again.normal();
  EXPECT_NEAR(sum / 100'000, 0, 0.02);
}

TEST(Ids, sort_by_time) {
  VirtualClock clock({1'000'000'000});
  SeededRandom random(3);
  const std::string first = new_id(clock, random);
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_LT(first, new_id(clock, random));
  EXPECT_EQ(first.size(), 32u);
}

TEST(FakeFileSystem, loses_what_was_not_synced) {
  FakeFileSystem files;
  ASSERT_TRUE(create_directories_durably(files, "/store").has_value());
  ASSERT_TRUE(files.write_file_durably("/store/a", "old").has_value());
  auto open = files.create_new("/store/b").value();
  ASSERT_TRUE(open->append("x").has_value());
  ASSERT_TRUE(open->sync().has_value());  // its bytes are safe, its name is not
  files.lose_power();
  EXPECT_EQ(files.read_file("/store/a").value(), "old");
  EXPECT_FALSE(files.exists("/store/b"));
  EXPECT_FALSE(open->append("y").has_value());
}

TEST(FileSystem, a_durable_write_is_old_or_new_whichever_call_fails) {
  for (int n = 1; n < 12; ++n) {
    FakeFileSystem files;
    ASSERT_TRUE(create_directories_durably(files, "/store").has_value());
    ASSERT_TRUE(files.write_file_durably("/store/a", "old").has_value());
    int calls = 0;
    files.set_fault([&](std::string_view operation, const std::string& path) -> Result<void> {
      if (++calls == n) return unavailable("injected " + std::string(operation) + " of " + path);
      return {};
    });
    const auto written = files.write_file_durably("/store/a", "new");
    files.set_fault({});
    files.lose_power();
    const std::string content = files.read_file("/store/a").value();
    if (written.has_value()) {
      EXPECT_EQ(content, "new");
    } else {
      EXPECT_TRUE(content == "old" || content == "new") << content;
    }
  }
}

TEST(DurableDirectory, survives_power_loss_with_every_level_that_was_missing) {
  FakeFileSystem files;
  ASSERT_TRUE(files.create_directories("/a/b").has_value());
  files.lose_power();
  EXPECT_FALSE(files.exists("/a"));  // nobody synced the directories above
  ASSERT_TRUE(create_directories_durably(files, "/a/b/c").has_value());
  files.lose_power();
  EXPECT_TRUE(files.exists("/a/b/c"));
}

TEST(DurableDirectory, names_what_a_killed_process_has_made_but_not_synced) {
  FakeFileSystem files;
  ASSERT_TRUE(files.create_directories("/a").has_value());  // killed before the sync
  ASSERT_TRUE(create_directories_durably(files, "/a/b").has_value());
  files.lose_power();
  EXPECT_TRUE(files.exists("/a/b"));
}

TEST(DurableDirectory, costs_nothing_where_something_is_kept_already) {
  FakeFileSystem files;
  ASSERT_TRUE(create_directories_durably(files, "/a").has_value());
  ASSERT_TRUE(files.write_file_durably("/a/file", "x").has_value());
  files.set_fault([](std::string_view operation, const std::string&) -> Result<void> {
    return operation == "sync_directory" ? unavailable("a sync that wasn't needed")
                                         : Result<void>{};
  });
  EXPECT_TRUE(create_directories_durably(files, "/a").has_value());
}

}  // namespace
}  // namespace martlet
