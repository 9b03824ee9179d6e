// A real S3 server that is killed (-9) and started again while it is written to. Needs
// tests/services/s3.sh run …; skipped without.
#include "artifacts/s3_blob_store.h"
#include "base/fake_file_system.h"
#include "platform/process.h"
#include "platform/real_clock.h"
#include "platform/system_random.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>
#include <unistd.h>

namespace martlet::artifacts {
namespace {

std::string setting(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

class S3Restart : public ::testing::Test {
 protected:
  void SetUp() override {
    if (setting("MARTLET_TEST_S3_CONTROL").empty())
      GTEST_SKIP()
          << "no S3 server: run tests/services/s3.sh run build/tests/martlet_artifacts_test";
    location_ = *parse_s3_location(setting("MARTLET_TEST_S3"));
    location_.prefix = random_.hex(16) + "/";
    options_.credentials = {setting("AWS_ACCESS_KEY_ID"), Secret(setting("AWS_SECRET_ACCESS_KEY")),
                            Secret()};
    options_.part_bytes = std::size_t{5} << 20;
    options_.longest_pause = std::chrono::milliseconds(300);
    options_.attempts = 1'000;
    auto opened = S3BlobStore::open(files_, clock_, random_, location_, options_);
    ASSERT_TRUE(opened.has_value())
        << opened.error().message() << " (the conformance tests make the bucket)";
    store_ = std::move(*opened);
  }
  static void control(const std::string& verb) {
    platform::ProcessOptions options;
    options.argv = {setting("MARTLET_TEST_S3_CONTROL"), verb};
    for (char** each = environ; *each != nullptr; ++each) {
      const std::string pair = *each;
      options.environment.emplace_back(pair.substr(0, pair.find('=')),
                                       pair.substr(pair.find('=') + 1));
    }
    const auto done = platform::run_process(options, Deadline::none(), CancelToken());
    ASSERT_TRUE(done.has_value() && done->succeeded()) << verb;
  }
  static void pause(int milliseconds) {
    platform::pause_until(platform::deadline_in(std::chrono::milliseconds(milliseconds)),
                          CancelToken());
  }
  std::string noise(std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(seeded_.next());
    return bytes;
  }

  FakeFileSystem files_;
  platform::RealClock clock_;
  platform::SystemRandom random_;
  SeededRandom seeded_{11};
  S3Location location_;
  S3Options options_;
  std::unique_ptr<S3BlobStore> store_;
};

TEST_F(S3Restart, an_upload_goes_on_when_the_server_is_back) {
  const std::string bytes = noise(std::size_t{23} << 20);
  const auto writer = store_->writer();
  ASSERT_TRUE((*writer)->append(std::string_view(bytes).substr(0, 11 << 20)).has_value());
  control("kill");
  std::thread starter([] {
    pause(700);
    control("start");
  });
  const auto appended = (*writer)->append(std::string_view(bytes).substr(11 << 20));
  starter.join();
  ASSERT_TRUE(appended.has_value()) << appended.error().message();
  const auto stored = (*writer)->finish();
  ASSERT_TRUE(stored.has_value()) << stored.error().message();
  EXPECT_EQ(stored->digest, digest_of(std::string_view(bytes)));
  EXPECT_EQ(*store_->get(stored->digest), bytes);
  EXPECT_TRUE(store_->leftovers()->empty());
}

TEST_F(S3Restart, what_was_acknowledged_is_there_whenever_the_server_was_killed) {
  std::atomic<bool> done{false};
  int kills = 0;
  std::thread killer([&] {
    for (; kills < 8 && !done; ++kills) {
      pause(60 + 37 * kills);
      control("kill");
      pause(100);
      control("start");
    }
    done = true;
  });
  std::vector<Digest> acknowledged;
  std::size_t refused = 0;
  for (int i = 0; !done && i < 10'000; ++i) {
    const auto stored = store_->put(noise(i % 10 == 9 ? (6 << 20) : 2'000));
    if (stored.has_value()) acknowledged.push_back(*stored);
    refused += stored.has_value() ? 0 : 1;
  }
  done = true;
  killer.join();
  EXPECT_GT(kills, 0);
  EXPECT_EQ(refused, 0U);
  ASSERT_FALSE(acknowledged.empty());
  for (const Digest& digest : acknowledged) {
    const auto sound = store_->verify(digest);
    ASSERT_TRUE(sound.has_value()) << sound.error().message();
  }
  EXPECT_EQ(store_->list()->size(), acknowledged.size());
}

TEST_F(S3Restart, a_wrong_secret_is_told_and_not_shown) {
  S3Options wrong = options_;
  wrong.credentials.secret = Secret("hunter2hunter2");
  const auto refused = S3BlobStore::open(files_, clock_, random_, location_, wrong);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::Unauthenticated) << refused.error().message();
  EXPECT_EQ(refused.error().message().find("hunter2"), std::string::npos);
  wrong.credentials.key_id = "nobody";
  EXPECT_EQ(S3BlobStore::open(files_, clock_, random_, location_, wrong).error().code(),
            ErrorCode::Unauthenticated);
  S3Location elsewhere = location_;
  elsewhere.bucket = "no-such-bucket-here";
  EXPECT_EQ(S3BlobStore::open(files_, clock_, random_, elsewhere, options_).error().code(),
            ErrorCode::NotFound);
}

}  // namespace
}  // namespace martlet::artifacts
