#include "base/clock.h"
#include "metadata/database.h"
#include "server/idempotency.h"
#include "server/internal/endpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <stdlib.h>

namespace martlet::server {
namespace {

struct ThingRecord {
  std::int64_t number = 0;
  static constexpr metadata::RecordInfo kRecord{"things", "number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("number", self.number);
  }
};

metadata::SchemaGroup thing_schema() {
  return {"things", {{1, "things", [](metadata::SchemaEditor& schema) {
                        return schema.create_table<ThingRecord>();
                      }}}};
}

class IdempotencyTest : public ::testing::Test {
 protected:
  IdempotencyTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    auto opened =
        metadata::Database::open(directory_ + "/metadata.db", {.schema = {thing_schema()}});
    EXPECT_TRUE(opened.has_value());
    database_ = std::move(*opened);
    idempotency_.emplace(*database_, clock_);
  }
  ~IdempotencyTest() override {
    idempotency_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  static net::Request request(std::string_view key, std::string_view body = "{}",
                              std::string_view target = "/things") {
    net::Request made;
    made.method = net::Method::Post;
    made.target = made.path = target;
    made.body = body;
    if (!key.empty()) made.headers.push_back({"idempotency-key", key});
    return made;
  }
  Result<std::int64_t> make(const metadata::Also<std::int64_t>& also) {
    return database_->write([&](metadata::Transaction& tx) -> Result<std::int64_t> {
      MARTLET_TRY_SET(const auto last, tx.greatest<ThingRecord>("number"));
      const std::int64_t number = last.value_or(0) + 1;
      MARTLET_TRY(tx.insert(ThingRecord{number}));
      return metadata::with<std::int64_t>(tx, number, also);
    });
  }
  // Makes a thing, and answers with its number; unless it is to fail.
  net::Response ask(const net::Request& asked, const std::optional<Error>& failure = {}) {
    auto answer = idempotency_->answer(
        asked,
        [&](Once& once) -> Result<net::Response> {
          ++tried_;
          if (before_) before_();
          if (failure.has_value()) return fail(Error(*failure));
          return once.answer<std::int64_t>(
              [&](const metadata::Also<std::int64_t>& also) { return make(also); },
              [](std::int64_t number) { return std::to_string(number); });
        },
        [](const Error& error, const net::Request& of) { return error_response(error, of); });
    return answer.has_value() ? std::move(*answer) : error_response(answer.error(), asked);
  }
  std::int64_t things() {
    return *database_->read(
        [](const metadata::ReadTransaction& tx) { return tx.count<ThingRecord>(); });
  }
  static bool is_replayed(const net::Response& response) {
    return response.headers ==
           std::vector<std::pair<std::string, std::string>>{{"Idempotency-Replayed", "true"}};
  }

  std::string directory_;
  std::unique_ptr<metadata::Database> database_;
  VirtualClock clock_{Timestamp{1'700'000'000'000'000}};
  std::optional<Idempotency> idempotency_;
  std::function<void()> before_;
  int tried_ = 0;
};

TEST_F(IdempotencyTest, without_a_key_each_request_makes_something) {
  EXPECT_EQ(ask(request("")).body, "1");
  EXPECT_EQ(ask(request("")).body, "2");
  EXPECT_EQ(*database_->read([](const metadata::ReadTransaction& tx) {
    return tx.count<metadata::KeyedAnswer>();
  }),
            0);
}

TEST_F(IdempotencyTest, a_request_sent_again_gets_the_first_answer) {
  const net::Response first = ask(request("k"));
  EXPECT_EQ(first.status, 200);
  EXPECT_TRUE(first.headers.empty());
  const net::Response again = ask(request("k"));
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.content_type, first.content_type);
  EXPECT_TRUE(is_replayed(again));
  EXPECT_TRUE(is_replayed(ask(request("\"k\""))));  // as a string of RFC 8941
  EXPECT_EQ(things(), 1);
  EXPECT_EQ(tried_, 1);
  EXPECT_EQ(ask(request("other")).body, "2");
}

TEST_F(IdempotencyTest, a_key_belongs_to_one_method_target_and_body) {
  ask(request("k"));
  net::Request put = request("k");
  put.method = net::Method::Put;
  for (const net::Request& other :
       {request("k", "{\"a\":1}"), request("k", "{}", "/things?x=1"), put}) {
    const net::Response refused = ask(other);
    EXPECT_EQ(refused.status, 422);
    EXPECT_NE(refused.body.find("use a new key"), std::string::npos) << refused.body;
    EXPECT_TRUE(refused.headers.empty());
  }
  EXPECT_EQ(things(), 1);
}

TEST_F(IdempotencyTest, a_bad_key_is_refused_before_anything_is_done) {
  const std::string longest(255, 'x');
  const std::string too_long(256, 'x');
  for (const std::string_view key :
       {std::string_view(too_long), std::string_view(" "), std::string_view("\"\""),
        std::string_view("\"open"), std::string_view("\"a\\b\""), std::string_view("\"a\";b"),
        std::string_view("schl\xc3\xbcssel"), std::string_view("a\tb")}) {
    const net::Response refused = ask(request(key));
    EXPECT_EQ(refused.status, 400) << key;
    EXPECT_NE(refused.body.find("1 to 255"), std::string::npos) << refused.body;
  }
  net::Request twice = request("a");
  twice.headers.push_back({"Idempotency-Key", "a"});
  EXPECT_EQ(ask(twice).status, 400);
  EXPECT_EQ(tried_, 0);
  EXPECT_EQ(ask(request(longest)).body, "1");
  EXPECT_EQ(ask(request("\"a \\\"b\\\\ c\"")).body, "2");
}

TEST_F(IdempotencyTest, a_refusal_is_an_answer_and_a_failure_of_the_server_is_none) {
  EXPECT_EQ(ask(request("k"), Error(ErrorCode::NotFound, "no such place")).status, 404);
  const net::Response again = ask(request("k"));
  EXPECT_EQ(again.status, 404);
  EXPECT_TRUE(is_replayed(again));
  EXPECT_EQ(things(), 0);
  for (const ErrorCode code : {ErrorCode::Unavailable, ErrorCode::Internal,
                               ErrorCode::ResourceExhausted, ErrorCode::DeadlineExceeded}) {
    EXPECT_GE(ask(request("f"), Error(code, "not now")).status, 500);
  }
  EXPECT_EQ(ask(request("f")).body, "1");
}

TEST_F(IdempotencyTest, whoever_comes_second_makes_nothing_and_gets_the_first_answer) {
  // The second is answered while the first is on its way to its transaction.
  before_ = [this] {
    before_ = nullptr;
    EXPECT_EQ(ask(request("k")).body, "1");
  };
  const net::Response late = ask(request("k"));
  EXPECT_EQ(late.body, "1");
  EXPECT_TRUE(is_replayed(late));
  EXPECT_EQ(tried_, 2);
  EXPECT_EQ(things(), 1);
  // With another body it is told so.
  before_ = [this] {
    before_ = nullptr;
    EXPECT_EQ(ask(request("m")).body, "2");
  };
  EXPECT_EQ(ask(request("m", "{\"a\":1}")).status, 422);
  // And a refusal that comes late gives way to a success.
  before_ = [this] {
    before_ = nullptr;
    EXPECT_EQ(ask(request("n")).body, "3");
  };
  EXPECT_EQ(ask(request("n"), Error(ErrorCode::Conflict, "taken")).body, "3");
  EXPECT_EQ(things(), 3);
}

TEST_F(IdempotencyTest, after_a_day_the_key_is_as_new_and_old_ones_go) {
  for (int i = 0; i < 5; ++i) ask(request("k" + std::to_string(i)));
  clock_.advance(std::chrono::hours(24) - Duration(1));
  EXPECT_EQ(ask(request("k0")).body, "1");
  clock_.advance(Duration(1));
  EXPECT_EQ(ask(request("k0")).body, "6");
  EXPECT_EQ(*database_->read([](const metadata::ReadTransaction& tx) {
    return tx.count<metadata::KeyedAnswer>();
  }),
            1);
}

TEST_F(IdempotencyTest, what_was_answered_before_a_restart_is_answered_after_it) {
  ask(request("k"));
  database_.reset();
  auto opened = metadata::Database::open(directory_ + "/metadata.db", {.schema = {thing_schema()}});
  ASSERT_TRUE(opened.has_value());
  database_ = std::move(*opened);
  Idempotency other(*database_, clock_);
  const auto answer = other.answer(
      request("k"),
      [](Once&) -> Result<net::Response> { return internal_error("it mustn't be asked"); },
      [](const Error& error, const net::Request& of) { return error_response(error, of); });
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->body, "1");
}

}  // namespace
}  // namespace martlet::server
