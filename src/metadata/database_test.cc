#include "base/clock.h"
#include "metadata/audit.h"
#include "metadata/claims.h"
#include "metadata/database.h"
#include "metadata/testing/live_postgres.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

namespace martlet::metadata {
namespace {

using testing::Driver;

enum class Mood : std::uint8_t { Calm, Wild };
std::string_view name_of(Mood mood) { return mood == Mood::Calm ? "calm" : "wild"; }
bool parse_name(std::string_view text, Mood& mood) {
  mood = text == "wild" ? Mood::Wild : Mood::Calm;
  return text == "wild" || text == "calm";
}

struct BirdRecord {
  RunId id;
  std::string name;
  std::int64_t age = 0;
  double weight = 0;
  bool tagged = false;
  Mood mood = Mood::Calm;
  Timestamp seen;
  Digest picture;
  Json notes = Json::object();
  Blob song;
  std::optional<std::int64_t> nest;
  std::optional<std::string> ring;
  bool operator==(const BirdRecord&) const = default;
  static constexpr RecordInfo kRecord{"birds", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("name", self.name);
    field("age", self.age);
    field("weight", self.weight);
    field("tagged", self.tagged);
    field("mood", self.mood);
    field("seen", self.seen);
    field("picture", self.picture);
    field("notes", self.notes);
    field("song", self.song);
    field("nest", self.nest);
    field("ring", self.ring);
  }
};

struct EggRecord {
  RunId bird;
  std::int64_t number = 0;
  std::string colour;
  static constexpr RecordInfo kRecord{"eggs", "bird, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("bird", self.bird);
    field("number", self.number);
    field("colour", self.colour);
  }
};

SchemaGroup bird_schema() {
  return {"birds",
          {{1, "birds and eggs", [](SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.create_table<BirdRecord>());
              MARTLET_TRY(schema.create_table<EggRecord>({.references = {{"bird", "birds"}}}));
              return schema.create_index<BirdRecord>({"name"}, Uniqueness::Unique);
            }}}};
}

BirdRecord bird(const std::string& id) {
  BirdRecord made;
  made.id = RunId(id);
  made.name = "name of " + id;
  return made;
}

class DatabaseTest : public ::testing::TestWithParam<Driver> {
 protected:
  void SetUp() override {
    if (!scratch_.available()) GTEST_SKIP() << testing::kNoPostgres;
    reopen();
  }
  void reopen() {
    database_.reset();
    auto opened = Database::open(
        path_, {.schema = {bird_schema()}, .busy_timeout = std::chrono::milliseconds(50)});
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    database_ = std::move(*opened);
  }
  Result<void> add(const BirdRecord& record) {
    return database_->write([&](Transaction& tx) { return tx.insert(record); });
  }
  Result<std::optional<BirdRecord>> find(const std::string& id) {
    return database_->read([&](const ReadTransaction& tx) { return tx.get<BirdRecord>(id); });
  }
  std::vector<std::string> ids(const Query& query) {
    auto found =
        database_->read([&](const ReadTransaction& tx) { return tx.select<BirdRecord>(query); });
    EXPECT_TRUE(found.has_value()) << found.error().message();
    std::vector<std::string> names;
    for (const BirdRecord& record : *found) names.push_back(record.id.text());
    return names;
  }

  testing::TestPlace scratch_{GetParam()};
  std::string path_ = scratch_.place();
  std::unique_ptr<Database> database_;
};

TEST_P(DatabaseTest, a_record_reads_back_equal_in_every_field) {
  BirdRecord record = bird("a");
  record.age = std::numeric_limits<std::int64_t>::min();
  record.weight = -std::numeric_limits<double>::infinity();
  record.tagged = true;
  record.mood = Mood::Wild;
  record.seen = {1'700'000'000'123'456};
  record.picture = digest_of("picture");
  record.notes = {{"b", 1}, {"a", {1.5, nullptr}}};
  record.song = {std::string("\0\xff\x01", 3)};
  record.nest = 0;
  record.name = "größer als 'quotes\" \\ und \x01";
  ASSERT_TRUE(add(record).has_value());
  reopen();
  const auto found = find("a");
  ASSERT_TRUE(found.has_value()) << found.error().message();
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ(**found, record);
  EXPECT_FALSE((*found)->ring.has_value());
}

TEST_P(DatabaseTest, not_a_number_survives) {
  BirdRecord record = bird("a");
  record.weight = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(add(record).has_value());
  EXPECT_TRUE(std::isnan((*find("a"))->weight));
}

TEST_P(DatabaseTest, texts_that_not_every_driver_keeps_are_refused_and_the_transaction_goes_on) {
  const std::string with_nul("a\0b", 3);
  const auto done = database_->write([&](Transaction& tx) -> Result<void> {
    for (const std::string& text : {with_nul, std::string("\xff"), std::string("\xed\xa0\x80")}) {
      BirdRecord record = bird("bad");
      record.name = text;
      EXPECT_EQ(tx.insert(record).error().code(), ErrorCode::InvalidArgument);
      EXPECT_EQ(tx.select<BirdRecord>(Query(equal("name", text))).error().code(),
                ErrorCode::InvalidArgument);
    }
    return tx.insert(bird("good"));
  });
  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_EQ(ids({}), std::vector<std::string>{"good"});
}

TEST_P(DatabaseTest, a_write_that_fails_leaves_what_the_function_did_before_and_does_after) {
  ASSERT_TRUE(add(bird("taken")).has_value());
  std::vector<ErrorCode> met;  // by the run that counts
  const auto done = database_->write([&](Transaction& tx) -> Result<void> {
    met.clear();
    const auto meet = [&](const auto& outcome) {
      if (!outcome.has_value()) met.push_back(outcome.error().code());
    };
    meet(tx.insert(EggRecord{RunId("nobody"), 1, "blue"}));  // the first of all
    MARTLET_TRY(tx.insert(bird("a")));
    meet(tx.insert(bird("a")));
    BirdRecord other = bird("a");
    other.name = bird("taken").name;
    meet(tx.update(other));
    meet(tx.put(other));
    MARTLET_TRY(tx.insert(EggRecord{RunId("a"), 1, "green"}));
    meet(tx.remove<BirdRecord>("a"));
    meet(tx.insert(EggRecord{RunId("nobody"), 1, "blue"}));
    meet(tx.update(bird("nobody")));
    return tx.insert(bird("b"));
  });
  EXPECT_EQ(
      met, (std::vector<ErrorCode>{ErrorCode::NotFound, ErrorCode::AlreadyExists,
                                   ErrorCode::AlreadyExists, ErrorCode::AlreadyExists,
                                   ErrorCode::Conflict, ErrorCode::NotFound, ErrorCode::NotFound}));
  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_EQ(ids(Query().order_by("id")), (std::vector<std::string>{"a", "b", "taken"}));
  EXPECT_EQ((*find("a"))->name, bird("a").name);
  EXPECT_EQ(*database_->read([](const ReadTransaction& tx) { return tx.count<EggRecord>(); }), 1);
}

TEST_P(DatabaseTest, texts_sort_by_bytes_and_case_is_ignored_for_ascii_only) {
  const std::vector<std::string> names{"Zebra", "apple", "Äpfel", "äpfel", "a_b",   "a%b",
                                       "a\\b",  "",      "10",    "9",     "z~\x7f"};
  ASSERT_TRUE(database_
                  ->write([&](Transaction& tx) -> Result<void> {
                    for (const std::string& name : names) {
                      BirdRecord record = bird("id " + name);
                      record.name = name;
                      MARTLET_TRY(tx.insert(record));
                    }
                    return {};
                  })
                  .has_value());
  const auto found = [&](const Query& query) {
    std::vector<std::string> texts;
    for (const std::string& id : ids(query)) texts.push_back(id.substr(3));
    return texts;
  };
  using Texts = std::vector<std::string>;
  Texts sorted = names;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(found(Query().order_by("name")), sorted);
  EXPECT_EQ(found(Query(less("name", "a")).order_by("name")), (Texts{"", "10", "9", "Zebra"}));
  EXPECT_EQ(found(like("name", "APPLE", MatchCase::Insensitive)), Texts{"apple"});
  EXPECT_EQ(found(like("name", "APPLE")), Texts{});
  EXPECT_EQ(found(like("name", "Äpfel", MatchCase::Insensitive)), Texts{"Äpfel"});
  EXPECT_EQ(found(like("name", "_pfel")).size(), 2U);  // a character, not a byte
  // What stands before the first % or _ narrows the search, whatever it ends with.
  EXPECT_EQ(found(Query(like("name", "a%")).order_by("name")),
            (Texts{"a%b", "a\\b", "a_b", "apple"}));
  EXPECT_EQ(found(Query(like("name", "a_b%")).order_by("name")), (Texts{"a%b", "a\\b", "a_b"}));
  EXPECT_EQ(found(like("name", "Ä%")), Texts{"Äpfel"});
  EXPECT_EQ(found(like("name", "Zebra%")), Texts{"Zebra"});
  EXPECT_EQ(found(like("name", "1%")), Texts{"10"});
  EXPECT_EQ(found(like("name", "9")), Texts{"9"});
  EXPECT_EQ(found(like("name", "z~%")), Texts{"z~\x7f"});
  EXPECT_EQ(found(like("name", "z~\x7f%")), Texts{"z~\x7f"});
  EXPECT_EQ(found(like("name", "a\\_")), Texts{"a\\b"});  // no escape character
  EXPECT_EQ(found(like("name", "a\\%", MatchCase::Insensitive)), Texts{"a\\b"});
  EXPECT_EQ(found(Query(like("name", "a_b")).order_by("name")), (Texts{"a%b", "a\\b", "a_b"}));
}

TEST_P(DatabaseTest, nulls_are_smaller_than_any_value_unless_they_are_to_be_last) {
  ASSERT_TRUE(database_
                  ->write([&](Transaction& tx) -> Result<void> {
                    for (const std::string id : {"a", "b", "c", "d"}) {
                      BirdRecord record = bird(id);
                      if (id == "b") record.nest = 2;
                      if (id == "c") record.nest = 1;
                      record.weight = id == "a"   ? std::numeric_limits<double>::infinity()
                                      : id == "b" ? std::numeric_limits<double>::quiet_NaN()
                                      : id == "c" ? -std::numeric_limits<double>::infinity()
                                                  : -0.0;
                      MARTLET_TRY(tx.insert(record));
                    }
                    return {};
                  })
                  .has_value());
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids(Query().order_by("nest").order_by("id")), (Ids{"a", "d", "c", "b"}));
  EXPECT_EQ(ids(Query().order_by("nest", Order::Descending).order_by("id")),
            (Ids{"b", "c", "a", "d"}));
  EXPECT_EQ(ids(Query().order_by_nulls_last("nest", Order::Ascending).order_by("id")),
            (Ids{"c", "b", "a", "d"}));
  EXPECT_EQ(ids(Query().order_by_nulls_last("nest", Order::Descending).order_by("id")),
            (Ids{"b", "c", "a", "d"}));
  EXPECT_EQ(ids(Query().order_by("weight")), (Ids{"b", "c", "d", "a"}));
  EXPECT_EQ(ids(Query(less("weight", 1e308)).order_by("id")), (Ids{"c", "d"}));
  EXPECT_EQ(ids(Query(greater("weight", 0)).order_by("id")), Ids{"a"});
  EXPECT_EQ(ids(Query(greater("nest", 1.5)).order_by("id")), Ids{"b"});  // across kinds of numbers
  EXPECT_EQ(ids(Query(not_equal("nest", 1)).order_by("id")), Ids{"b"});
}

TEST_P(DatabaseTest, a_related_record_is_asked_by_its_own_columns) {
  ASSERT_TRUE(database_
                  ->write([&](Transaction& tx) -> Result<void> {
                    for (const std::string id : {"a", "b", "c"}) MARTLET_TRY(tx.insert(bird(id)));
                    MARTLET_TRY(tx.insert(EggRecord{RunId("a"), 1, "blue"}));
                    MARTLET_TRY(tx.insert(EggRecord{RunId("a"), 2, "red"}));
                    return tx.insert(EggRecord{RunId("b"), 1, "red"});
                  })
                  .has_value());
  using Ids = std::vector<std::string>;
  const auto eggs = related<EggRecord>({{"bird", "id"}});
  EXPECT_EQ(ids(Query(exists(eggs, equal("colour", "red"))).order_by("id")), (Ids{"a", "b"}));
  EXPECT_EQ(
      ids(Query(exists(eggs, equal("number", 2) && like("colour", "R%", MatchCase::Insensitive)))),
      Ids{"a"});
  EXPECT_EQ(ids(Query(negate(exists(eggs, {})))), Ids{"c"});
  // A table is related to itself as well: red eggs that have a blue sibling, which has a red one.
  const auto siblings = related<EggRecord>({{"bird", "bird"}});
  const auto red = database_->read([&](const ReadTransaction& tx) {
    return tx.select<EggRecord>(
        equal("colour", "red") &&
        exists(siblings, equal("colour", "blue") && exists(siblings, equal("colour", "red"))));
  });
  ASSERT_TRUE(red.has_value()) << red.error().message();
  ASSERT_EQ(red->size(), 1U);
  EXPECT_EQ(red->front().number, 2);
  const auto few =
      database_->read([](const ReadTransaction& tx) { return tx.count_at_most<EggRecord>({}, 2); });
  EXPECT_EQ(*few, 2);
}

TEST_P(DatabaseTest, a_second_record_with_the_key_is_refused_and_changes_nothing) {
  ASSERT_TRUE(add(bird("a")).has_value());
  BirdRecord other = bird("a");
  other.age = 7;
  const auto again = add(other);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ((*find("a"))->age, 0);
}

TEST_P(DatabaseTest, a_unique_index_is_kept) {
  ASSERT_TRUE(add(bird("a")).has_value());
  BirdRecord other = bird("b");
  other.name = bird("a").name;
  EXPECT_EQ(add(other).error().code(), ErrorCode::AlreadyExists);
}

TEST_P(DatabaseTest, put_replaces_update_needs_a_record_and_insert_if_absent_keeps) {
  const auto done = database_->write([](Transaction& tx) -> Result<void> {
    BirdRecord record = bird("a");
    EXPECT_EQ(tx.update(record).error().code(), ErrorCode::NotFound);
    MARTLET_TRY(tx.put(record));
    record.age = 3;
    MARTLET_TRY(tx.put(record));
    record.age = 4;
    MARTLET_TRY_SET(const bool inserted, tx.insert_if_absent(record));
    EXPECT_FALSE(inserted);
    return {};
  });
  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_EQ((*find("a"))->age, 3);
}

TEST_P(DatabaseTest, compare_and_set_tells_a_stale_reader_from_a_missing_record) {
  ASSERT_TRUE(add(bird("a")).has_value());
  const auto set = [&](const std::string& id, std::int64_t expected, std::int64_t desired) {
    BirdRecord record = bird(id);
    record.age = desired;
    return database_->write(
        [&](Transaction& tx) { return tx.compare_and_set(record, equal("age", expected)); });
  };
  EXPECT_TRUE(set("a", 0, 1).has_value());
  EXPECT_EQ(set("a", 0, 2).error().code(), ErrorCode::Conflict);
  EXPECT_EQ(set("z", 0, 2).error().code(), ErrorCode::NotFound);
  EXPECT_EQ((*find("a"))->age, 1);
}

TEST_P(DatabaseTest, references_are_kept_in_both_directions) {
  const auto orphan = database_->write(
      [](Transaction& tx) { return tx.insert(EggRecord{RunId("nobody"), 1, "blue"}); });
  EXPECT_EQ(orphan.error().code(), ErrorCode::NotFound);
  ASSERT_TRUE(add(bird("a")).has_value());
  ASSERT_TRUE(
      database_->write([](Transaction& tx) { return tx.insert(EggRecord{RunId("a"), 1, "blue"}); })
          .has_value());
  const auto removed = database_->write([](Transaction& tx) { return tx.remove<BirdRecord>("a"); });
  EXPECT_EQ(removed.error().code(), ErrorCode::Conflict);
}

TEST_P(DatabaseTest, queries_filter_order_and_page) {
  ASSERT_TRUE(database_
                  ->write([](Transaction& tx) -> Result<void> {
                    for (int i = 0; i < 6; ++i) {
                      BirdRecord record = bird(std::string(1, static_cast<char>('a' + i)));
                      record.age = i % 3;
                      record.name = i == 5 ? "100%_[x]*" : "Bird" + std::to_string(i);
                      if (i % 2 == 0) record.nest = i;
                      record.mood = i > 3 ? Mood::Wild : Mood::Calm;
                      MARTLET_TRY(tx.insert(record));
                    }
                    return {};
                  })
                  .has_value());
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids(Query().order_by("age").order_by("id", Order::Descending)),
            (Ids{"d", "a", "e", "b", "f", "c"}));
  EXPECT_EQ(ids(Query().order_by("id").limit(2).offset(3)), (Ids{"d", "e"}));
  EXPECT_EQ(ids(Query(at_least("age", 1) && less("age", 2)).order_by("id")), (Ids{"b", "e"}));
  EXPECT_EQ(ids(Query(is_null("nest") && negate(equal("mood", Mood::Wild))).order_by("id")),
            (Ids{"b", "d"}));
  EXPECT_EQ(
      ids(Query(equal("nest", std::optional<std::int64_t>()) || equal("nest", 4)).order_by("id")),
      (Ids{"b", "d", "e", "f"}));
  EXPECT_EQ(ids(Query(in("id", std::vector<std::string>{"a", "f", "zz"})).order_by("id")),
            (Ids{"a", "f"}));
  EXPECT_EQ(ids(Query(in("id", std::vector<std::string>{}))), Ids{});
  EXPECT_EQ(ids(Query(any_of({}))), Ids{});
  EXPECT_EQ(ids(Query(all_of({})).limit(0)), Ids{});
  EXPECT_EQ(ids(Query(like("name", "bird%"))), Ids{});
  EXPECT_EQ(ids(Query(like("name", "bird_", MatchCase::Insensitive)).order_by("id").limit(1)),
            Ids{"a"});
  EXPECT_EQ(ids(Query(like("name", "1%[x]*"))), Ids{"f"});
  const auto counted = database_->read(
      [](const ReadTransaction& tx) { return tx.count<BirdRecord>(greater("age", 0)); });
  EXPECT_EQ(*counted, 4);
  const auto greatest =
      database_->read([](const ReadTransaction& tx) { return tx.greatest<BirdRecord>("age"); });
  EXPECT_EQ(**greatest, 2);
}

TEST_P(DatabaseTest, a_query_on_an_unknown_column_is_refused_not_run) {
  const auto found = database_->read([](const ReadTransaction& tx) {
    return tx.select<BirdRecord>(Query(equal("age\" = 0 OR 1=1 --", 1)));
  });
  EXPECT_EQ(found.error().code(), ErrorCode::Internal);
}

TEST_P(DatabaseTest, values_are_bound_never_read_as_sql) {
  ASSERT_TRUE(add(bird("a")).has_value());
  EXPECT_TRUE(ids(Query(equal("name", "' OR '1'='1"))).empty());
}

TEST_P(DatabaseTest, a_failed_function_undoes_all_its_writes) {
  const auto failed = database_->write([](Transaction& tx) -> Result<void> {
    MARTLET_TRY(tx.insert(bird("a")));
    return conflict("changed my mind");
  });
  EXPECT_EQ(failed.error().code(), ErrorCode::Conflict);
  EXPECT_FALSE(find("a")->has_value());
  EXPECT_TRUE(add(bird("a")).has_value());
}

TEST_P(DatabaseTest, writes_that_share_a_transaction_fail_and_succeed_alone) {
  constexpr int kThreads = 8;
  constexpr int kEach = 25;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        const int how = (t + i) % 4;
        const auto done = database_->write([&](Transaction& tx) -> Result<void> {
          MARTLET_TRY(tx.insert(bird(id)));
          if (how == 1) return conflict("changed my mind");
          if (how == 2) return tx.insert(bird(id));  // there already
          if (how == 3) return tx.update(bird("nobody"));
          return {};
        });
        EXPECT_EQ(done.has_value(), how == 0);
        if (done.has_value() || how == 0) continue;
        EXPECT_EQ(done.error().code(), how == 1   ? ErrorCode::Conflict
                                       : how == 2 ? ErrorCode::AlreadyExists
                                                  : ErrorCode::NotFound);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(*database_->read([](const ReadTransaction& tx) { return tx.count<BirdRecord>(); }),
            kThreads * kEach / 4);
}

TEST_P(DatabaseTest, what_is_expected_is_what_comes_whatever_was_changed_meanwhile) {
  ASSERT_TRUE(add(bird("a")).has_value());
  const Query all = Query().order_by("id");
  const auto done = database_->write([&](Transaction& tx) -> Result<void> {
    tx.expect<BirdRecord>("b");
    tx.expect<BirdRecord>("a");
    tx.expect_all<BirdRecord>(all);
    tx.expect_all<BirdRecord>(Query(equal("no such column", 1)));  // and never asked for
    MARTLET_TRY_SET(const auto first, tx.get<BirdRecord>("a"));
    EXPECT_TRUE(first.has_value());
    MARTLET_TRY(tx.insert(bird("b")));
    MARTLET_TRY_SET(const auto second, tx.get<BirdRecord>("b"));
    EXPECT_TRUE(second.has_value());
    MARTLET_TRY_SET(const auto birds, tx.select<BirdRecord>(all));
    EXPECT_EQ(birds.size(), 2U);
    return {};
  });
  ASSERT_TRUE(done.has_value()) << done.error().message();
  const auto read = database_->read([&](const ReadTransaction& tx) -> Result<std::size_t> {
    tx.expect_all<BirdRecord>(all);
    tx.expect<BirdRecord>("nobody");
    MARTLET_TRY_SET(const auto nobody, tx.get<BirdRecord>("nobody"));
    EXPECT_FALSE(nobody.has_value());
    MARTLET_TRY_SET(const auto birds, tx.select<BirdRecord>(all));
    return birds.size();
  });
  EXPECT_EQ(*read, 2U);
}

TEST_P(DatabaseTest, more_changes_than_are_put_off_at_once_arrive) {
  constexpr std::int64_t kBirds = 2'500;
  const auto done = database_->write([&](Transaction& tx) -> Result<void> {
    for (std::int64_t i = 0; i < kBirds; ++i) MARTLET_TRY(tx.insert(bird(std::to_string(i))));
    return {};
  });
  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_EQ(*database_->read([](const ReadTransaction& tx) { return tx.count<BirdRecord>(); }),
            kBirds);
}

TEST_P(DatabaseTest, a_transaction_across_calls_waits_for_its_turn_and_gets_it) {
  std::atomic<bool> enough{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !enough; ++i)
        EXPECT_TRUE(add(bird(std::to_string(t) + "-" + std::to_string(i))).has_value());
    });
  }
  for (int i = 0; i < 10; ++i) {
    auto tx = database_->begin();
    ASSERT_TRUE(tx.has_value()) << tx.error().message();
    EXPECT_TRUE((*tx)->insert(bird("across " + std::to_string(i))).has_value());
    EXPECT_TRUE((*tx)->commit().has_value());
  }
  enough = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ids(Query(like("id", "across%"))).size(), 10U);
}

TEST_P(DatabaseTest, a_transaction_dropped_without_commit_leaves_nothing) {
  {
    auto tx = database_->begin();
    ASSERT_TRUE(tx.has_value());
    ASSERT_TRUE((*tx)->insert(bird("a")).has_value());
    EXPECT_FALSE(find("a")->has_value());  // readers don't see it
  }
  EXPECT_FALSE(find("a")->has_value());
  auto tx = database_->begin();
  ASSERT_TRUE(tx.has_value());
  ASSERT_TRUE((*tx)->insert(bird("a")).has_value());
  ASSERT_TRUE((*tx)->commit().has_value());
  EXPECT_TRUE(find("a")->has_value());
}

TEST_P(DatabaseTest, a_write_inside_a_write_is_an_error_not_a_deadlock) {
  const auto outer = database_->write([&](Transaction&) { return add(bird("a")); });
  EXPECT_EQ(outer.error().code(), ErrorCode::Internal);
}

TEST_P(DatabaseTest, a_read_sees_one_snapshot) {
  ASSERT_TRUE(add(bird("a")).has_value());
  const auto counts = database_->read(
      [&](const ReadTransaction& tx) -> Result<std::pair<std::int64_t, std::int64_t>> {
        MARTLET_TRY_SET(const std::int64_t before, tx.count<BirdRecord>());
        MARTLET_TRY(add(bird("b")));
        MARTLET_TRY_SET(const std::int64_t after, tx.count<BirdRecord>());
        return std::pair(before, after);
      });
  ASSERT_TRUE(counts.has_value()) << counts.error().message();
  EXPECT_EQ(counts->first, 1);
  EXPECT_EQ(counts->second, 1);
  EXPECT_EQ(ids({}).size(), 2U);
}

TEST_P(DatabaseTest, data_version_changes_with_commits_and_only_with_them) {
  const std::int64_t before = *database_->data_version();
  EXPECT_EQ(*database_->data_version(), before);
  ASSERT_TRUE(add(bird("a")).has_value());
  const std::int64_t after = *database_->data_version();
  EXPECT_NE(after, before);
  EXPECT_FALSE(add(bird("a")).has_value());
  EXPECT_EQ(*database_->data_version(), after);
}

TEST_P(DatabaseTest, concurrent_writers_share_commits_and_each_learns_its_own_fate) {
  constexpr int kThreads = 64;
  constexpr int kEach = 8;
  std::atomic<int> succeeded{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  const WriteCounts before = database_->write_counts();
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        if (add(bird(id)).has_value()) ++succeeded;
        const auto twice = add(bird(id));
        if (!twice.has_value() && twice.error().code() == ErrorCode::AlreadyExists) ++refused;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(succeeded, kThreads * kEach);
  EXPECT_EQ(refused, kThreads * kEach);
  const WriteCounts after = database_->write_counts();
  EXPECT_EQ(after.writes - before.writes, kThreads * kEach);
  EXPECT_LT(after.commits - before.commits, kThreads * kEach / 2);
  reopen();
  EXPECT_EQ(ids({}).size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_TRUE(database_->check_integrity()->empty());
}

TEST_P(DatabaseTest, a_store_locked_by_another_writer_is_unavailable_after_the_bound) {
  auto other = Database::open(
      path_, {.schema = {bird_schema()}, .busy_timeout = std::chrono::milliseconds(20)});
  ASSERT_TRUE(other.has_value()) << other.error().message();
  auto tx = (*other)->begin();
  ASSERT_TRUE(tx.has_value());
  const auto refused = add(bird("a"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Unavailable);
  EXPECT_NE(refused.error().message().find("locked by another process"), std::string::npos);
  tx->reset();
  EXPECT_TRUE(add(bird("a")).has_value());
}

TEST_P(DatabaseTest, a_record_that_a_migration_wrote_is_backed_up_as_it_is_now) {
  const auto schema = [](const BirdRecord& first) -> std::vector<SchemaGroup> {
    SchemaGroup group = bird_schema();
    group.migrations.push_back({2, "the first bird", [first](SchemaEditor& editor) {
                                  return editor.with_records(
                                      [&](Transaction& tx) { return tx.insert(first); });
                                }});
    return {group};
  };
  database_.reset();
  auto opened = Database::open(path_, {.schema = schema(bird("first"))});
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  BirdRecord older = bird("first");
  older.age = 7;
  ASSERT_TRUE((*opened)->write([&](Transaction& tx) { return tx.put(older); }).has_value());
  const std::string copy = scratch_.directory() + "/copy.db";
  const auto backed_up = (*opened)->back_up_to(copy);
  ASSERT_TRUE(backed_up.has_value()) << backed_up.error().message();
  auto restored = Database::open(copy, {.schema = schema(bird("first"))});
  ASSERT_TRUE(restored.has_value()) << restored.error().message();
  const auto found =
      (*restored)->read([](const ReadTransaction& tx) { return tx.select<BirdRecord>(Query()); });
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front(), older);
}

TEST_P(DatabaseTest, backups_are_whole_stores_and_never_overwrite) {
  ASSERT_TRUE(add(bird("a")).has_value());
  const std::string copy = scratch_.directory() + "/copy.db";
  const auto backed = database_->back_up_to(copy);
  ASSERT_TRUE(backed.has_value()) << backed.error().message();
  EXPECT_EQ(database_->back_up_to(copy).error().code(), ErrorCode::AlreadyExists);
  auto opened = Database::open(copy, {.schema = {bird_schema()}});
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  const auto found =
      (*opened)->read([](const ReadTransaction& tx) { return tx.exists<BirdRecord>("a"); });
  EXPECT_TRUE(*found);
}

TEST(Record, becomes_json_by_its_field_list) {
  BirdRecord record = bird("a");
  record.seen = {0};
  record.tagged = true;
  const Json json = to_json(record);
  EXPECT_EQ(json["id"], "a");
  EXPECT_EQ(json["tagged"], true);
  EXPECT_EQ(json["seen"], "1970-01-01T00:00:00Z");
  EXPECT_TRUE(json["nest"].is_null());
  EXPECT_EQ(json["mood"], "calm");
}

class ClaimsTest : public DatabaseTest {
 protected:
  Result<std::optional<Claim>> claim(const std::string& owner,
                                     const std::string& host_start = "boot-1") {
    const Claims claims(clock_, host_start);
    return database_->write(
        [&](Transaction& tx) { return claims.claim(tx, "tick", owner, std::chrono::seconds(10)); });
  }
  VirtualClock clock_{Timestamp{1'000'000'000}};
};

TEST_P(ClaimsTest, one_owner_at_a_time_and_a_lapsed_lease_passes_on_with_a_greater_token) {
  const auto first = claim("one");
  ASSERT_TRUE(first.has_value() && first->has_value());
  EXPECT_FALSE(claim("two")->has_value());
  clock_.advance(std::chrono::seconds(9));
  const Claims claims(clock_, "boot-1");
  ASSERT_TRUE(database_
                  ->write([&](Transaction& tx) {
                    return claims.heartbeat(tx, **first, std::chrono::seconds(10));
                  })
                  .has_value());
  clock_.advance(std::chrono::seconds(9));
  EXPECT_FALSE(claim("two")->has_value());  // the heartbeat extended it
  clock_.advance(std::chrono::seconds(2));
  const auto second = claim("two");
  ASSERT_TRUE(second.has_value() && second->has_value());
  EXPECT_GT((*second)->token, (*first)->token);
  const auto late = database_->write([&](Transaction& tx) { return Claims::check(tx, **first); });
  EXPECT_EQ(late.error().code(), ErrorCode::Conflict);
  const auto beat = database_->write(
      [&](Transaction& tx) { return claims.heartbeat(tx, **first, std::chrono::seconds(10)); });
  EXPECT_EQ(beat.error().code(), ErrorCode::Conflict);
  EXPECT_TRUE(
      database_->write([&](Transaction& tx) { return Claims::check(tx, **second); }).has_value());
}

TEST_P(ClaimsTest, a_released_claim_and_one_from_before_a_restart_of_the_host_are_free) {
  const auto first = claim("one");
  ASSERT_TRUE(
      database_->write([&](Transaction& tx) { return Claims::release(tx, **first); }).has_value());
  const auto second = claim("two");
  ASSERT_TRUE(second->has_value());
  EXPECT_GT((*second)->token, (*first)->token);
  EXPECT_TRUE(claim("three", "boot-2")->has_value());
}

TEST_P(DatabaseTest, the_audit_chain_verifies_and_shows_what_was_changed_or_removed) {
  const auto append = [&](const std::string& subject) {
    return database_->write([&](Transaction& tx) {
      return append_audit(tx, Timestamp{5}, Actor{"user:ann"},
                          {"test.change", subject, {{"n", 1}}});
    });
  };
  const auto verify = [&] {
    return *database_->read([](const ReadTransaction& tx) { return verify_audit(tx); });
  };
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(append("thing " + std::to_string(i)).has_value());
  EXPECT_TRUE(verify().empty());
  ASSERT_TRUE(database_
                  ->write([](Transaction& tx) {
                    return tx.set_where<AuditRecord>(equal("number", 3), "subject", "other");
                  })
                  .has_value());
  ASSERT_EQ(verify().size(), 1U);
  EXPECT_EQ(verify()[0].rule, "changed_entry");
  ASSERT_TRUE(
      database_->write([](Transaction& tx) { return tx.remove<AuditRecord>(3); }).has_value());
  ASSERT_EQ(verify().size(), 1U);
  EXPECT_EQ(verify()[0].rule, "missing_entry");
}

INSTANTIATE_TEST_SUITE_P(Drivers, DatabaseTest, ::testing::Values(Driver::Sqlite, Driver::Postgres),
                         ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Drivers, ClaimsTest, ::testing::Values(Driver::Sqlite, Driver::Postgres),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace martlet::metadata
