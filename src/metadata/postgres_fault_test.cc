// PostgreSQL that restarts, is killed, ends sessions or loses answers: nothing acknowledged is
// lost, nothing is done twice, and callers only wait.
#include "metadata/database.h"
#include "metadata/testing/cutting_proxy.h"
#include "metadata/testing/live_postgres.h"
#include "platform/real_clock.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace martlet::metadata {
namespace {

using testing::CuttingProxy;
using testing::LivePostgres;

struct NoteRecord {
  std::int64_t number = 0;
  std::string text;
  static constexpr RecordInfo kRecord{"notes", "number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("number", self.number);
    field("text", self.text);
  }
};

// Read, increased and written: a write that happened twice, or not, shows here.
struct CounterRecord {
  std::string name;
  std::int64_t value = 0;
  static constexpr RecordInfo kRecord{"counters", "name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("value", self.value);
  }
};

SchemaGroup note_schema() {
  return {"notes", {{1, "notes", [](SchemaEditor& schema) -> Result<void> {
                       MARTLET_TRY(schema.create_table<NoteRecord>());
                       return schema.create_table<CounterRecord>();
                     }}}};
}

Result<void> increase(Transaction& tx, const std::string& name) {
  MARTLET_TRY_SET(const auto counter, tx.get<CounterRecord>(name));
  return tx.put(CounterRecord{name, counter.has_value() ? counter->value + 1 : 1});
}

Result<void> add(Database& database, std::int64_t number, const std::string& counter) {
  return database.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY(increase(tx, counter));
    return tx.insert(NoteRecord{number, "note"});
  });
}

void pause() {
  platform::pause_until(platform::deadline_in(std::chrono::milliseconds(5)), CancelToken());
}

// The server is one for all tests, and a test may run again: each has schemas of its own.
std::string schema_in(const std::string& url) { return url.substr(url.find("schema=") + 7); }

class PostgresFaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = LivePostgres::get();
    if (server_ == nullptr) GTEST_SKIP() << testing::kNoPostgres;
    url_ = server_->new_url();
    database_ = open(url_);
  }
  static std::unique_ptr<Database> open(const std::string& url, DatabaseOptions options = {}) {
    options.schema = {note_schema()};
    auto opened = Database::open(url, options);
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    return opened.has_value() ? std::move(*opened) : nullptr;
  }
  std::int64_t count() {
    const auto found =
        database_->read([](const ReadTransaction& tx) { return tx.count<NoteRecord>(); });
    EXPECT_TRUE(found.has_value()) << found.error().message();
    return found.value_or(-1);
  }
  std::int64_t value(const std::string& name) {
    const auto found =
        database_->read([&](const ReadTransaction& tx) { return tx.get<CounterRecord>(name); });
    EXPECT_TRUE(found.has_value()) << found.error().message();
    return found.has_value() && found->has_value() ? (*found)->value : 0;
  }
  void load(const std::function<void()>& trouble);
  LivePostgres* server_ = nullptr;
  std::string url_;
  std::unique_ptr<Database> database_;
};

// Writers and readers at work until `trouble` has been made. None may see an error.
void PostgresFaultTest::load(const std::function<void()>& trouble) {
  constexpr int kWriters = 8;
  std::atomic<bool> enough{false};
  std::atomic<std::int64_t> acknowledged{0};
  std::atomic<std::int64_t> reads{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kWriters; ++t) {
    threads.emplace_back([&, t] {
      for (std::int64_t i = 0; !enough; ++i) {
        const auto done = add(*database_, t * 1'000'000 + i, "all");
        EXPECT_TRUE(done.has_value()) << done.error().message();
        if (!done.has_value()) return;
        ++acknowledged;
      }
    });
  }
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!enough) {
        const auto pair = database_->read(
            [](const ReadTransaction& tx) -> Result<std::pair<std::int64_t, std::int64_t>> {
              MARTLET_TRY_SET(const std::int64_t notes, tx.count<NoteRecord>());
              MARTLET_TRY_SET(const auto counter, tx.get<CounterRecord>("all"));
              return std::pair(notes, counter.has_value() ? counter->value : 0);
            });
        EXPECT_TRUE(pair.has_value()) << pair.error().message();
        if (!pair.has_value()) return;
        EXPECT_EQ(pair->first, pair->second);  // one snapshot
        ++reads;
      }
    });
  }
  const auto wait_for_more = [&] {
    const std::int64_t before = acknowledged;
    while (acknowledged < before + 50 && !HasFailure()) pause();
  };
  wait_for_more();
  trouble();
  wait_for_more();  // and it goes on
  enough = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count(), acknowledged);
  EXPECT_EQ(value("all"), acknowledged);
  EXPECT_GT(reads, 0);
  EXPECT_TRUE(database_->check_integrity()->empty());
}

TEST_F(PostgresFaultTest, a_killed_server_loses_nothing_and_callers_only_wait) {
  load([this] {
    for (int i = 0; i < 3; ++i) {
      server_->kill();
      server_->start();
      count();
    }
  });
}

TEST_F(PostgresFaultTest, a_restarted_server_loses_nothing_and_callers_only_wait) {
  load([this] {
    for (int i = 0; i < 3; ++i) {
      server_->stop();
      server_->start();
      count();
    }
  });
}

TEST_F(PostgresFaultTest, sessions_that_are_ended_under_load_lose_nothing) {
  load([this] {
    for (int i = 0; i < 100; ++i) {
      server_->run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
                   "pg_backend_pid() AND application_name = 'martlet'");
    }
  });
}

TEST_F(PostgresFaultTest, statements_that_are_cancelled_fail_alone_and_whole) {
  std::atomic<bool> enough{false};
  std::thread canceller([&] {
    while (!enough)
      server_->run("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid <> "
                   "pg_backend_pid() AND application_name = 'martlet'");
  });
  std::int64_t acknowledged = 0;
  for (std::int64_t i = 0; i < 300; ++i) {
    const auto done = add(*database_, i, "all");
    if (done.has_value()) {
      ++acknowledged;
    } else {
      EXPECT_EQ(done.error().code(), ErrorCode::Unavailable) << done.error().message();
    }
  }
  enough = true;
  canceller.join();
  EXPECT_EQ(count(), acknowledged);
  EXPECT_EQ(value("all"), acknowledged);
}

TEST_F(PostgresFaultTest, databases_that_change_the_same_records_do_it_one_after_the_other) {
  constexpr int kDatabases = 4;
  constexpr int kEach = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < kDatabases; ++t) {
    threads.emplace_back([&, t] {
      const auto other = open(url_);
      for (std::int64_t i = 0; i < kEach; ++i) {
        const auto done = add(*other, t * 1000 + i, i % 2 == 0 ? "even" : "odd");
        EXPECT_TRUE(done.has_value()) << done.error().message();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(value("even"), kDatabases * kEach / 2);
  EXPECT_EQ(value("odd"), kDatabases * kEach / 2);
  EXPECT_EQ(count(), kDatabases * kEach);
}

// Two that each look at what the other one writes: one after the other would never give both.
TEST_F(PostgresFaultTest, what_a_function_has_read_still_holds_when_it_commits) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    const std::string name = "round " + std::to_string(round);
    for (std::int64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        const auto other = open(url_);
        const auto done = other->write([&](Transaction& tx) -> Result<void> {
          MARTLET_TRY_SET(const std::int64_t taken, tx.count<NoteRecord>(equal("text", name)));
          if (taken > 0) return conflict("taken");
          return tx.insert(NoteRecord{round * 10 + t, name});
        });
        if (!done.has_value()) {
          EXPECT_EQ(done.error().code(), ErrorCode::Conflict);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    const auto winners = database_->read(
        [&](const ReadTransaction& tx) { return tx.count<NoteRecord>(equal("text", name)); });
    ASSERT_EQ(*winners, 1);
  }
}

class LostAnswerTest : public PostgresFaultTest {
 protected:
  void SetUp() override {
    PostgresFaultTest::SetUp();
    if (server_ == nullptr) return;
    proxy_ = std::make_unique<CuttingProxy>(server_->port());
    std::string through = url_;
    const std::string port = std::to_string(server_->port());
    through.replace(through.find(port), port.size(), std::to_string(proxy_->port()));
    through_proxy_ = open(through + "&sslmode=disable");
  }
  std::unique_ptr<CuttingProxy> proxy_;
  std::unique_ptr<Database> through_proxy_;
};

TEST_F(LostAnswerTest, a_commit_that_the_server_never_saw_is_done_once) {
  proxy_->cut_next_commit(CuttingProxy::Cut::Before);
  ASSERT_TRUE(add(*through_proxy_, 1, "all").has_value());
  EXPECT_TRUE(proxy_->has_cut());
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(value("all"), 1);
}

TEST_F(LostAnswerTest, a_commit_whose_answer_was_lost_is_not_done_twice) {
  proxy_->cut_next_commit(CuttingProxy::Cut::After);
  const auto done = add(*through_proxy_, 1, "all");
  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_TRUE(proxy_->has_cut());
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(value("all"), 1);
  ASSERT_TRUE(add(*through_proxy_, 2, "all").has_value());
  EXPECT_EQ(value("all"), 2);
}

TEST_F(LostAnswerTest, a_commit_that_comes_late_finds_the_door_shut) {
  proxy_->cut_next_commit(CuttingProxy::Cut::Delayed);
  Result<void> done;
  std::thread writer([&] { done = add(*through_proxy_, 1, "all"); });
  // The lost transaction still stands open in the server, and its COMMIT is on its way. That the
  // writer has asked for the truth, and for that shut the door, shows in its row: the lost
  // transaction's own one was never committed.
  const std::string schema = schema_in(url_);
  while (server_->integer(fmt::format("SELECT count(*) FROM {}.martlet_writers", schema)) == 0)
    pause();
  proxy_->release();
  writer.join();
  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(value("all"), 1);
}

// The session of a connection that was lost stands open in the server, and holds the lock that all
// writers take; nobody waits for the server to notice.
TEST_F(LostAnswerTest, a_lost_session_that_still_stands_is_ended_by_its_writer) {
  proxy_->cut_next_commit(CuttingProxy::Cut::Delayed);
  const auto began = std::chrono::steady_clock::now();
  const auto done = add(*through_proxy_, 1, "all");
  const auto others = add(*database_, 2, "all");
  const auto took = std::chrono::steady_clock::now() - began;
  proxy_->release();
  ASSERT_TRUE(done.has_value()) << done.error().message();
  ASSERT_TRUE(others.has_value()) << others.error().message();
  EXPECT_LT(took, std::chrono::seconds(15));  // that is when the server would end it
  EXPECT_EQ(count(), 2);
  EXPECT_EQ(value("all"), 2);
}

TEST_F(LostAnswerTest, a_transaction_across_calls_learns_the_truth_about_its_commit) {
  for (const auto how : {CuttingProxy::Cut::After, CuttingProxy::Cut::Before}) {
    const std::int64_t number = how == CuttingProxy::Cut::After ? 1 : 2;
    auto tx = through_proxy_->begin();
    ASSERT_TRUE(tx.has_value()) << tx.error().message();
    ASSERT_TRUE((*tx)->insert(NoteRecord{number, "note"}).has_value());
    proxy_->cut_next_commit(how);
    const auto committed = (*tx)->commit();
    EXPECT_TRUE(proxy_->has_cut());
    EXPECT_EQ(committed.has_value(), how == CuttingProxy::Cut::After);
    if (!committed.has_value()) {
      EXPECT_EQ(committed.error().code(), ErrorCode::Unavailable);
    }
  }
  EXPECT_EQ(count(), 1);
}

TEST_F(PostgresFaultTest, a_server_that_stays_away_is_unavailable_after_the_bound) {
  const auto impatient = open(url_, {.outage_timeout = std::chrono::milliseconds(200)});
  ASSERT_TRUE(add(*impatient, 1, "all").has_value());
  server_->stop();
  const auto refused = add(*impatient, 2, "all");
  const auto unread =
      impatient->read([](const ReadTransaction& tx) { return tx.count<NoteRecord>(); });
  const auto unopened = Database::open(url_, {.busy_timeout = std::chrono::milliseconds(100)});
  server_->start();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Unavailable);
  ASSERT_FALSE(unread.has_value());
  EXPECT_EQ(unread.error().code(), ErrorCode::Unavailable);
  ASSERT_FALSE(unopened.has_value());
  EXPECT_EQ(unopened.error().code(), ErrorCode::Unavailable);
  EXPECT_TRUE(add(*impatient, 2, "all").has_value());
  EXPECT_EQ(count(), 2);
}

TEST_F(PostgresFaultTest, a_schema_that_holds_something_else_is_refused_untouched) {
  const std::string theirs = server_->new_url();
  server_->run(fmt::format("CREATE SCHEMA {} CREATE TABLE things (a int)", schema_in(theirs)));
  const auto refused = Database::open(theirs, {.schema = {note_schema()}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(server_->integer(
                fmt::format("SELECT count(*) FROM pg_class WHERE relnamespace = '{}'::regnamespace",
                            schema_in(theirs))),
            1);
  const std::string given = server_->new_url();
  server_->run("CREATE SCHEMA " + schema_in(given));  // by an administrator, for us
  EXPECT_TRUE(Database::open(given).has_value());
}

TEST_F(PostgresFaultTest, a_store_of_a_later_layout_and_one_that_is_not_there_are_refused) {
  const std::string newer = server_->new_url();
  server_->run("CREATE SCHEMA " + schema_in(newer));
  server_->run(fmt::format("COMMENT ON SCHEMA {} IS 'martlet store 2'", schema_in(newer)));
  const auto later = Database::open(newer);
  ASSERT_FALSE(later.has_value());
  EXPECT_NE(later.error().message().find("newer martlet"), std::string::npos);
  const auto absent = Database::open(server_->url("absent"), {.when_absent = WhenAbsent::Refuse});
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(server_->integer("SELECT count(*) FROM pg_namespace WHERE nspname = 'absent'"), 0);
}

TEST_F(PostgresFaultTest, secrets_are_in_no_message) {
  const std::string url = fmt::format("postgres://martlet:s3cr3t@127.0.0.1:{}/", server_->port());
  for (const std::string& rest :
       {std::string("nowhere"), std::string("postgres?sslmode=verify-full")}) {
    const auto refused =
        Database::open(url + rest, {.busy_timeout = std::chrono::milliseconds(50)});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message().find("s3cr3t"), std::string::npos)
        << refused.error().message();
  }
}

TEST_F(PostgresFaultTest, damaged_references_are_found) {
  ASSERT_TRUE(database_->check_integrity()->empty());
  const std::string schema = schema_in(url_);
  server_->run(
      fmt::format("CREATE TABLE {}.eggs (note bigint REFERENCES {}.notes)", schema, schema));
  server_->run(fmt::format("ALTER TABLE {}.eggs DISABLE TRIGGER ALL", schema));
  server_->run(fmt::format("INSERT INTO {}.eggs VALUES (77)", schema));
  const auto findings = database_->check_integrity();
  ASSERT_TRUE(findings.has_value()) << findings.error().message();
  ASSERT_EQ(findings->size(), 1U);
  EXPECT_EQ(findings->front().rule, "dangling_reference");
  EXPECT_EQ(findings->front().path, "eggs");
}

}  // namespace
}  // namespace martlet::metadata
