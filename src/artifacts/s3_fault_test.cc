// What an S3 server and the network can do to a store. The server is ours; a real one is killed in
// s3_restart_test.cc.
#include "artifacts/s3_blob_store.h"
#include "artifacts/testing/fake_s3.h"
#include "base/fake_file_system.h"
#include "platform/system_random.h"

#include <gtest/gtest.h>

#include <utility>

namespace martlet::artifacts {
namespace {

using std::chrono::milliseconds;

class S3Faults : public ::testing::Test {
 protected:
  static S3Options quick() {
    S3Options options;
    options.credentials = {"AKIATEST", Secret("hunter2"), Secret("session-hunter2")};
    options.first_pause = milliseconds(1);
    options.longest_pause = milliseconds(4);
    options.attempts = 4;
    options.part_bytes = 1'000;
    options.threads = 2;
    return options;
  }
  std::unique_ptr<S3BlobStore> open(const S3Options& options = quick()) {
    auto opened = S3BlobStore::open(files_, clock_, random_, server_.location(), options);
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    return std::move(*opened);
  }
  static std::string key_of(const Digest& digest) {
    return "pre/" + digest.hex().substr(0, 2) + "/" + digest.hex().substr(2);
  }
  // The first `count` requests of a method are answered so.
  void fail_first(const std::string& method, int count, FakeS3Response with) {
    server_.set_fault([=, left = count](const FakeS3Request& request) mutable {
      if (request.method != method || left == 0) return std::optional<FakeS3Response>();
      --left;
      return std::optional<FakeS3Response>(with);
    });
  }
  static FakeS3Response refusal(int status, const std::string& code) {
    FakeS3Response response;
    response.status = status;
    response.body = FakeS3::error_xml(code);
    return response;
  }
  std::size_t count(std::string_view beginning) const {
    std::size_t found = 0;
    for (const std::string& request : server_.requests())
      found += request.starts_with(beginning) ? 1 : 0;
    return found;
  }

  FakeFileSystem files_;
  VirtualClock clock_{*parse_timestamp_utc("2030-01-01T00:00:00Z")};
  platform::SystemRandom random_;
  FakeS3 server_{clock_};
};

TEST_F(S3Faults, a_burst_of_failures_is_waited_out) {
  for (const auto& [status, code] :
       std::vector<std::pair<int, std::string>>{{500, "InternalError"},
                                                {502, ""},
                                                {503, "SlowDown"},
                                                {504, ""},
                                                {429, "TooManyRequests"},
                                                {400, "RequestTimeout"},
                                                {409, "ConditionalRequestConflict"}}) {
    const auto store = open();
    const std::string bytes = "with " + std::to_string(status) + code;
    fail_first("PUT", 3, refusal(status, code));
    const auto stored = store->put(bytes);
    ASSERT_TRUE(stored.has_value()) << stored.error().message();
    fail_first("GET", 3, refusal(status, code));
    EXPECT_EQ(*store->get(*stored), bytes);
  }
}

TEST_F(S3Faults, a_server_that_goes_on_failing_is_given_up_with_its_words_and_no_secret) {
  const auto store = open();
  fail_first("PUT", 1'000, refusal(503, "SlowDown"));
  const std::size_t before = count("PUT");
  const auto refused = store->put("x");
  EXPECT_EQ(count("PUT") - before, 4U);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Unavailable);
  const std::string& message = refused.error().message();
  EXPECT_NE(message.find("4 attempts"), std::string::npos) << message;
  EXPECT_NE(message.find("SlowDown"), std::string::npos) << message;
  EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
  EXPECT_EQ(message.find("not for show"), std::string::npos) << message;
  server_.set_fault(nullptr);
  EXPECT_FALSE(*store->exists(digest_of("x")));
}

TEST_F(S3Faults, a_connection_that_breaks_is_made_again) {
  const auto store = open();
  FakeS3Response dropped;
  dropped.drop = true;
  fail_first("PUT", 2, dropped);
  const auto stored = store->put("x");
  ASSERT_TRUE(stored.has_value()) << stored.error().message();
  fail_first("GET", 2, dropped);
  EXPECT_EQ(*store->get(*stored), "x");
}

TEST_F(S3Faults, a_slow_answer_is_given_up_and_asked_for_again_within_the_deadline) {
  S3Options options = quick();
  options.attempt_timeout = milliseconds(200);
  options.patience = milliseconds(1'500);
  options.attempts = 20;
  const auto store = open(options);
  FakeS3Response slow;
  slow.stall = milliseconds(450);
  fail_first("PUT", 1, slow);
  EXPECT_TRUE(store->put("x").has_value());
  fail_first("PUT", 1'000, slow);
  const auto begun = std::chrono::steady_clock::now();
  const auto refused = store->put("y");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::DeadlineExceeded) << refused.error().message();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST_F(S3Faults, an_answer_that_is_cut_short_is_asked_for_again) {
  const auto store = open();
  const Digest digest = *store->put(std::string(3'500, 'x'));
  int cuts = 0;
  server_.set_change([&](const FakeS3Request& request, FakeS3Response& response) {
    if (request.method == "GET" && ++cuts % 2 == 1) response.cut_after = 10;
  });
  const auto bytes = store->get(digest);
  ASSERT_TRUE(bytes.has_value()) << bytes.error().message();
  EXPECT_EQ(*bytes, std::string(3'500, 'x'));
  EXPECT_GT(cuts, 4);
}

TEST_F(S3Faults, wrong_bytes_are_corrupt_whichever_way_they_are_read) {
  const auto store = open();
  for (const std::size_t size : {10, 5'000}) {
    const Digest digest = *store->put(std::string(size, 'x'));
    server_.damage(key_of(digest), std::string(size, 'y'));
    EXPECT_EQ(store->get(digest).error().code(), ErrorCode::Corrupt);
    EXPECT_EQ(store->open(digest).error().code(), ErrorCode::Corrupt);
    EXPECT_EQ(store->verify(digest).error().code(), ErrorCode::Corrupt);
    EXPECT_NE(store->verify(digest).error().message().find(digest.text()), std::string::npos);
    server_.damage(key_of(digest), std::string(size / 2, 'x'));
    EXPECT_EQ(store->get(digest).error().code(), ErrorCode::Corrupt);
    // The bytes at hand mend it.
    ASSERT_TRUE(store->put(std::string(size, 'x')).has_value());
    EXPECT_EQ(*store->get(digest), std::string(size, 'x'));
  }
}

TEST_F(S3Faults, an_answer_to_another_range_is_refused) {
  const auto store = open();
  const Digest digest = *store->put(std::string(3'000, 'x'));
  for (const char* lie : {"bytes 1-1000/3000", "bytes 0-499/3000", "bytes 0-999/999999999999",
                          "bytes 0-999", "octets 0-999/3000", "bytes 0-5000/3000", ""}) {
    server_.set_change([&](const FakeS3Request& request, FakeS3Response& response) {
      if (request.method != "GET") return;
      for (auto& [name, value] : response.headers)
        if (name == "Content-Range") value = lie;
    });
    EXPECT_FALSE(store->get(digest).has_value()) << lie;
    EXPECT_FALSE(store->verify(digest).has_value()) << lie;
  }
}

TEST_F(S3Faults, a_put_whose_answer_was_lost_is_acknowledged_all_the_same) {
  const auto store = open();
  bool lost = false;
  server_.set_change([&](const FakeS3Request& request, FakeS3Response& response) {
    response.drop = request.method == "PUT" && !std::exchange(lost, true);
  });
  const auto stored = store->put("x");
  ASSERT_TRUE(stored.has_value()) << stored.error().message();
  EXPECT_TRUE(lost);
  EXPECT_EQ(*store->get(*stored), "x");
}

TEST_F(S3Faults, a_completion_that_fails_within_an_answer_of_200_is_tried_again) {
  const auto store = open();
  FakeS3Response half;
  half.body = FakeS3::error_xml("InternalError");
  int left = 2;
  server_.set_fault([&](const FakeS3Request& request) -> std::optional<FakeS3Response> {
    if (request.method != "POST" || request.has("uploads") || left == 0) return std::nullopt;
    --left;
    return half;
  });
  const auto writer = store->writer();
  ASSERT_TRUE((*writer)->append(std::string(5'000, 'x')).has_value());
  const auto stored = (*writer)->finish();
  ASSERT_TRUE(stored.has_value()) << stored.error().message();
  EXPECT_EQ(*store->get(stored->digest), std::string(5'000, 'x'));

  left = 1'000;
  {
    const auto other = store->writer();
    ASSERT_TRUE((*other)->append(std::string(5'000, 'y')).has_value());
    EXPECT_EQ((*other)->finish().error().code(), ErrorCode::Unavailable);
  }
  EXPECT_EQ(server_.open_uploads(), 0U);
  EXPECT_EQ(server_.objects().size(), 1U);
}

TEST_F(S3Faults, a_completion_whose_answer_was_lost_is_acknowledged_all_the_same) {
  const auto store = open();
  ASSERT_TRUE(files_.write_file_durably("/input", std::string(5'000, 'f')).has_value());
  bool lost = false;
  server_.set_change([&](const FakeS3Request& request, FakeS3Response& response) {
    response.drop =
        request.method == "POST" && !request.has("uploads") && !std::exchange(lost, true);
  });
  const auto stored = store->put_file("/input");
  ASSERT_TRUE(stored.has_value()) << stored.error().message();
  EXPECT_TRUE(lost);
  EXPECT_EQ(*store->get(stored->digest), std::string(5'000, 'f'));
}

TEST_F(S3Faults, a_writer_that_is_dropped_or_fails_leaves_nothing_on_the_server) {
  const auto store = open();
  {
    const auto dropped = store->writer();
    ASSERT_TRUE((*dropped)->append(std::string(2'500, 'x')).has_value());
    EXPECT_EQ(server_.open_uploads(), 1U);
  }
  EXPECT_EQ(server_.open_uploads(), 0U);
  server_.set_fault([](const FakeS3Request& request) -> std::optional<FakeS3Response> {
    if (!request.headers.contains("x-amz-copy-source")) return std::nullopt;
    return refusal(403, "AccessDenied");
  });
  {
    const auto fails = store->writer();
    ASSERT_TRUE((*fails)->append(std::string(2'500, 'x')).has_value());
    EXPECT_EQ((*fails)->finish().error().code(), ErrorCode::PermissionDenied);
  }
  EXPECT_TRUE(server_.objects().empty());
  EXPECT_TRUE(store->leftovers()->empty());
}

TEST_F(S3Faults, what_a_killed_process_leaves_is_listed_and_removed) {
  const auto store = open();
  const Digest kept = *store->put("kept");
  server_.set_fault([](const FakeS3Request& request) -> std::optional<FakeS3Response> {
    if (request.method != "DELETE") return std::nullopt;
    return refusal(403, "AccessDenied");  // as if nobody came to ask for it
  });
  {
    const auto half = store->writer();
    ASSERT_TRUE((*half)->append(std::string(2'500, 'x')).has_value());
    const auto whole = store->writer();
    ASSERT_TRUE((*whole)->append(std::string(2'500, 'y')).has_value());
    ASSERT_TRUE((*whole)->finish().has_value());
  }
  server_.set_fault(nullptr);
  EXPECT_EQ(store->list()->size(), 2U) << "leftovers are no blobs";
  const auto found = store->leftovers();
  ASSERT_TRUE(found.has_value()) << found.error().message();
  ASSERT_EQ(found->size(), 2U);
  for (const Leftover& each : *found) {
    EXPECT_LE(std::abs((each.modified - clock_.now()).count()), 2 * kMicrosPerSecond);
    EXPECT_TRUE(store->remove_leftover(each).has_value());
  }
  EXPECT_TRUE(store->leftovers()->empty());
  EXPECT_EQ(server_.open_uploads(), 0U);
  EXPECT_TRUE(store->remove_leftover(found->front()).has_value()) << "it is gone already";
  EXPECT_FALSE(store->remove_leftover({store->place_of(kept), 0, {}}).has_value());
  EXPECT_FALSE(store->remove_leftover({"s3://other/pre/tmp/x", 0, {}}).has_value());
  EXPECT_EQ(*store->get(kept), "kept");
}

TEST_F(S3Faults, refusals_say_what_to_do_and_are_not_tried_again) {
  struct Case {
    int status;
    const char* code;
    ErrorCode expected;
    const char* words;
  };
  const auto store = open();
  for (const Case& each : std::vector<Case>{
           {403, "InvalidAccessKeyId", ErrorCode::Unauthenticated, "AWS_ACCESS_KEY_ID"},
           {403, "SignatureDoesNotMatch", ErrorCode::Unauthenticated, "AWS_SECRET_ACCESS_KEY"},
           {403, "RequestTimeTooSkewed", ErrorCode::Unauthenticated, "clock"},
           {400, "ExpiredToken", ErrorCode::Unauthenticated, "expired"},
           {403, "AccessDenied", ErrorCode::PermissionDenied, "s3:GetObject"},
           {403, "", ErrorCode::PermissionDenied, "credentials"},
           {404, "NoSuchBucket", ErrorCode::Unavailable, "no such bucket"},
           {301, "PermanentRedirect", ErrorCode::InvalidArgument, "region"},
           {400, "AuthorizationHeaderMalformed", ErrorCode::InvalidArgument, "region"},
           {507, "", ErrorCode::ResourceExhausted, "room"},
           {418, "Teapot", ErrorCode::Unavailable, "418 Teapot"}}) {
    for (const std::string method : {"PUT", "GET"}) {
      fail_first(method, 1'000, refusal(each.status, each.code));
      const std::size_t before = count(method);
      const Error error =
          method == "PUT" ? store->put("x").error() : store->get(digest_of("x")).error();
      EXPECT_EQ(error.code(), each.expected) << each.status << each.code;
      EXPECT_NE(error.message().find(each.words), std::string::npos) << error.message();
      EXPECT_EQ(error.message().find("hunter2"), std::string::npos) << error.message();
      EXPECT_EQ(count(method) - before, 1U) << each.code;
    }
  }
}

TEST_F(S3Faults, opening_tells_a_missing_bucket_and_missing_credentials) {
  fail_first("GET", 1'000, refusal(404, "NoSuchBucket"));
  EXPECT_EQ(S3BlobStore::open(files_, clock_, random_, server_.location(), quick()).error().code(),
            ErrorCode::NotFound);
  server_.set_fault(nullptr);
  const auto refused = S3BlobStore::open(files_, clock_, random_, server_.location(), {});
  EXPECT_EQ(refused.error().code(), ErrorCode::Unauthenticated);
  EXPECT_NE(refused.error().message().find("AWS_SECRET_ACCESS_KEY"), std::string::npos);
}

TEST_F(S3Faults, a_server_without_conditions_is_written_to_without_them) {
  const auto store = open();
  std::size_t conditional = 0;
  server_.set_fault([&](const FakeS3Request& request) -> std::optional<FakeS3Response> {
    if (!request.headers.contains("if-none-match")) return std::nullopt;
    ++conditional;
    return refusal(501, "NotImplemented");
  });
  for (const char* bytes : {"a", "b", "a"}) ASSERT_TRUE(store->put(bytes).has_value());
  EXPECT_EQ(conditional, 1U);
  EXPECT_EQ(store->list()->size(), 2U);
}

TEST_F(S3Faults, putting_what_is_there_makes_it_young_again_in_every_way) {
  const std::string large(5'000, 'l');
  ASSERT_TRUE(files_.write_file_durably("/input", large).has_value());
  for (const bool moves : {true, false}) {
    server_.copy_onto_itself_moves_time = moves;
    const auto store = open();
    for (int way = 0; way < 3; ++way) {
      const std::string bytes = way == 0 ? "small" : large;
      const Digest digest = *store->put(bytes);
      clock_.advance(std::chrono::hours(48));
      const Timestamp since = clock_.now() - std::chrono::hours(24);
      ASSERT_LT(*store->last_put(digest), since);
      if (way == 0) {
        ASSERT_TRUE(store->put(bytes).has_value());
      } else if (way == 1) {
        ASSERT_TRUE(store->put_file("/input").has_value());
      } else {
        const auto writer = store->writer();
        ASSERT_TRUE((*writer)->append(bytes).has_value());
        ASSERT_TRUE((*writer)->finish().has_value());
      }
      EXPECT_FALSE(*store->remove_unless_put_since(digest, since)) << way << moves;
      EXPECT_EQ(*store->get(digest), bytes);
    }
  }
  EXPECT_EQ(server_.open_uploads(), 0U);
}

TEST_F(S3Faults, what_was_put_long_ago_is_removed_by_this_machines_clock) {
  server_.clock_ahead_seconds = 600;
  const auto store = open();
  const Digest digest = *store->put("x");
  EXPECT_LE(std::abs((*store->last_put(digest) - clock_.now()).count()), 2 * kMicrosPerSecond);
  EXPECT_FALSE(*store->remove_unless_put_since(digest, clock_.now()));
  clock_.advance(std::chrono::hours(25));
  EXPECT_TRUE(*store->remove_unless_put_since(digest, clock_.now() - std::chrono::hours(24)));
  EXPECT_FALSE(*store->exists(digest));
  EXPECT_FALSE(*store->remove_unless_put_since(digest, clock_.now()));
  EXPECT_EQ(store->last_put(digest).error().code(), ErrorCode::NotFound);
}

TEST_F(S3Faults, a_listing_of_many_pages_is_read_to_its_end) {
  const auto store = open();
  std::vector<std::string> texts;
  for (int i = 0; i < 55; ++i) texts.push_back(std::to_string(i));
  ASSERT_TRUE(
      store->put_many(std::vector<std::string_view>(texts.begin(), texts.end())).has_value());
  server_.page = 10;
  EXPECT_EQ(store->list()->size(), 55U);
  // One whose pages lead nowhere is refused rather than read for ever.
  server_.set_change([](const FakeS3Request& request, FakeS3Response& response) {
    if (!request.key.empty()) return;
    response.body = "<L><IsTruncated>true</IsTruncated>"
                    "<NextContinuationToken>same</NextContinuationToken></L>";
  });
  EXPECT_EQ(store->list().error().code(), ErrorCode::Unavailable);
  server_.set_change([](const FakeS3Request& request, FakeS3Response& response) {
    if (request.key.empty()) response.body = "<html>Hello";
  });
  EXPECT_EQ(store->list().error().code(), ErrorCode::Unavailable);
}

TEST_F(S3Faults, a_reader_goes_on_when_the_blob_is_put_again_and_notices_when_it_is_gone) {
  const auto store = open();
  std::string bytes;
  for (int i = 0; i < 5'000; ++i) bytes += static_cast<char>('a' + i % 26);
  const Digest digest = *store->put(bytes);
  const auto reader = store->open(digest);
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  EXPECT_EQ(*(*reader)->read_at(3, 4), bytes.substr(3, 4));
  ASSERT_TRUE(open()->put(bytes).has_value());  // another process; the object has another tag now
  EXPECT_EQ(*(*reader)->read_at(4'000, 10), bytes.substr(4'000, 10));
  EXPECT_EQ(*(*reader)->read_at(990, 3'000), bytes.substr(990, 3'000));
  ASSERT_TRUE(store->remove(digest).has_value());
  EXPECT_EQ((*reader)->read_at(10, 1).error().code(), ErrorCode::NotFound);
}

TEST_F(S3Faults, large_copies_are_made_in_parts) {
  S3Options options = quick();
  options.copy_limit_bytes = 2'000;
  const auto store = open(options);
  const auto writer = store->writer();
  ASSERT_TRUE((*writer)->append(std::string(5'000, 'x')).has_value());
  const auto stored = (*writer)->finish();
  ASSERT_TRUE(stored.has_value()) << stored.error().message();
  EXPECT_EQ(*store->get(stored->digest), std::string(5'000, 'x'));
  EXPECT_TRUE(store->leftovers()->empty());
}

TEST_F(S3Faults, a_file_that_changes_while_it_is_sent_is_a_conflict_and_stores_nothing) {
  const auto store = open();
  ASSERT_TRUE(files_.write_file_durably("/input", std::string(5'000, 'f')).has_value());
  bool changed = false;
  server_.set_fault([&](const FakeS3Request& request) -> std::optional<FakeS3Response> {
    if (request.method == "PUT" && !std::exchange(changed, true)) {
      EXPECT_TRUE(files_.write_file_durably("/input", std::string(5'000, 'g')).has_value());
    }
    return std::nullopt;
  });
  EXPECT_EQ(store->put_file("/input").error().code(), ErrorCode::Conflict);
  EXPECT_TRUE(changed);
  EXPECT_TRUE(store->list()->empty());
  EXPECT_EQ(server_.open_uploads(), 0U);
}

TEST_F(S3Faults, waiting_for_a_server_ends_when_it_is_cancelled) {
  S3Options options = quick();
  options.first_pause = options.longest_pause = std::chrono::seconds(600);
  options.patience = std::chrono::seconds(1'000);
  const auto store = open(options);
  server_.set_fault([&](const FakeS3Request&) -> std::optional<FakeS3Response> {
    options.cancel.cancel();
    return refusal(503, "SlowDown");
  });
  EXPECT_EQ(store->put("x").error().code(), ErrorCode::Cancelled);
}

}  // namespace
}  // namespace martlet::artifacts
