// One suite that every blob store driver must pass.
#include "artifacts/directory_blob_store.h"
#include "artifacts/internal/s3_client.h"
#include "artifacts/memory_blob_store.h"
#include "artifacts/testing/fake_s3.h"
#include "base/fake_file_system.h"
#include "platform/real_clock.h"
#include "platform/real_file_system.h"
#include "platform/system_random.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdlib.h>
#include <thread>

namespace martlet::artifacts {
namespace {

struct MemoryDriver {
  std::string root;
  FakeFileSystem files;
  MemoryBlobStore store{files};
  BlobStore& operator()() { return store; }
};

struct DirectoryDriver {
  std::string root;
  FakeFileSystem files;
  std::unique_ptr<DirectoryBlobStore> store = *DirectoryBlobStore::open(files, "/store/blobs");
  BlobStore& operator()() { return *store; }
};

// On a real disk, below a directory of its own; paths that the tests give begin with '/'.
struct RealDirectoryDriver {
  RealDirectoryDriver() {
    std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
    root = mkdtemp(pattern.data());
    store = *DirectoryBlobStore::open(files, root + "/deep/blobs");
  }
  ~RealDirectoryDriver() { std::filesystem::remove_all(root); }
  RealDirectoryDriver(const RealDirectoryDriver&) = delete;
  RealDirectoryDriver& operator=(const RealDirectoryDriver&) = delete;
  platform::RealFileSystem files;
  std::string root;
  std::unique_ptr<DirectoryBlobStore> store;
  BlobStore& operator()() { return *store; }
};

// On our server for tests: what it stores is right, so that this runs everywhere.
struct FakeS3Driver {
  std::string root;
  FakeFileSystem files;
  platform::RealClock clock;
  platform::SystemRandom random;
  FakeS3 server{clock};
  static S3Options options() {
    S3Options chosen;
    chosen.credentials = {"key", Secret("secret"), Secret()};
    return chosen;
  }
  std::unique_ptr<S3BlobStore> store =
      *S3BlobStore::open(files, clock, random, server.location(), options());
  BlobStore& operator()() { return *store; }
};

// On a real server, each test below a prefix of its own: tests/services/s3.sh starts one and says
// where it is.
struct RealS3Driver {
  static std::string setting(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? "" : text;
  }
  RealS3Driver() {
    if (setting("MARTLET_TEST_S3").empty()) return;
    S3Location location = *parse_s3_location(setting("MARTLET_TEST_S3"));
    S3Options options;
    options.credentials = {setting("AWS_ACCESS_KEY_ID"), Secret(setting("AWS_SECRET_ACCESS_KEY")),
                           Secret()};
    options.part_bytes = std::size_t{5} << 20;  // the least that servers take
    S3Request make_bucket;
    make_bucket.method = net::Method::Put;
    const auto made = S3Client(location, options, clock, random).send(std::move(make_bucket));
    if (made.has_value() && !made->is_good() && made->status != 409)
      ADD_FAILURE() << "making the bucket: " << made->status << " " << made->code;
    location.prefix += random.hex(16) + "/";
    auto opened = S3BlobStore::open(files, clock, random, location, options);
    if (opened.has_value()) {
      store = std::move(*opened);
    } else {
      ADD_FAILURE() << opened.error().message();
    }
  }
  std::string root;
  FakeFileSystem files;
  platform::RealClock clock;
  platform::SystemRandom random;
  std::unique_ptr<S3BlobStore> store;
  BlobStore& operator()() { return *store; }
};

template <class Driver>
class BlobStoreConformance : public ::testing::Test {
 protected:
  void SetUp() override {
    if constexpr (std::is_same_v<Driver, RealS3Driver>) {
      if (RealS3Driver::setting("MARTLET_TEST_S3").empty())
        GTEST_SKIP()
            << "no S3 server: run tests/services/s3.sh run build/tests/martlet_artifacts_test";
      ASSERT_NE(driver_.store, nullptr);
    }
  }
  void write_file(const std::string& path, std::string_view bytes) {
    ASSERT_TRUE(driver_.files.write_file_durably(in_root(path), bytes).has_value());
  }
  std::string in_root(const std::string& path) { return driver_.root + path; }
  BlobStore& store() { return driver_(); }
  Driver driver_;
};

using Drivers = ::testing::Types<MemoryDriver, DirectoryDriver, RealDirectoryDriver, FakeS3Driver,
                                 RealS3Driver>;
TYPED_TEST_SUITE(BlobStoreConformance, Drivers);

TYPED_TEST(BlobStoreConformance, bytes_read_back_equal_under_their_digest) {
  const std::string zeros(3'000'000, '\0');
  for (const std::string& bytes : {std::string(), std::string("a"), zeros}) {
    const auto digest = this->store().put(bytes);
    ASSERT_TRUE(digest.has_value()) << digest.error().message();
    EXPECT_EQ(*digest, digest_of(bytes));
    EXPECT_EQ(*this->store().get(*digest), bytes);
    EXPECT_EQ(*this->store().size_bytes(*digest), bytes.size());
    EXPECT_TRUE(*this->store().exists(*digest));
    EXPECT_TRUE(this->store().verify(*digest).has_value());
  }
}

TYPED_TEST(BlobStoreConformance, putting_twice_keeps_one) {
  ASSERT_TRUE(this->store().put("a").has_value());
  ASSERT_TRUE(this->store().put("a").has_value());
  EXPECT_EQ(this->store().list()->size(), 1U);
}

TYPED_TEST(BlobStoreConformance, put_many_answers_in_order_with_repeats) {
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) texts.push_back("blob " + std::to_string(i % 150));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto digests = this->store().put_many(views);
  ASSERT_TRUE(digests.has_value()) << digests.error().message();
  ASSERT_EQ(digests->size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(*this->store().get((*digests)[i]), texts[i]);
  EXPECT_EQ(this->store().list()->size(), 150U);
  EXPECT_TRUE(this->store().put_many({})->empty());
}

TYPED_TEST(BlobStoreConformance, what_is_absent_is_not_found_everywhere) {
  const Digest digest = digest_of("nothing");
  EXPECT_EQ(this->store().get(digest).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(this->store().open(digest).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(this->store().size_bytes(digest).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(this->store().local_path(digest).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(this->store().verify(digest).error().code(), ErrorCode::NotFound);
  EXPECT_FALSE(*this->store().exists(digest));
  EXPECT_TRUE(this->store().remove(digest).has_value());
  EXPECT_TRUE(this->store().list()->empty());
}

TYPED_TEST(BlobStoreConformance, ranges_are_cut_at_the_end) {
  const Digest digest = *this->store().put("0123456789");
  const auto reader = this->store().open(digest);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ((*reader)->size_bytes(), 10U);
  EXPECT_EQ(*(*reader)->read_at(3, 4), "3456");
  EXPECT_EQ(*(*reader)->read_at(8, 100), "89");
  EXPECT_EQ(*(*reader)->read_at(10, 1), "");
  EXPECT_EQ(*(*reader)->read_at(1'000, 1), "");
}

TYPED_TEST(BlobStoreConformance, a_file_is_copied_in_and_a_missing_one_is_not_found) {
  const std::string bytes(2'500'000, 'x');
  this->write_file("/input", bytes);
  const auto stored = this->store().put_file(this->in_root("/input"));
  ASSERT_TRUE(stored.has_value()) << stored.error().message();
  EXPECT_EQ(stored->digest, digest_of(bytes));
  EXPECT_EQ(stored->size_bytes, bytes.size());
  EXPECT_EQ(*this->store().get(stored->digest), bytes);
  EXPECT_TRUE(this->store().put_file(this->in_root("/input")).has_value());
  EXPECT_EQ(this->store().put_file(this->in_root("/absent")).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(this->store().list()->size(), 1U);
}

TYPED_TEST(BlobStoreConformance, what_comes_in_pieces_of_any_size_is_one_blob) {
  std::string whole;
  auto writer = this->store().writer();
  ASSERT_TRUE(writer.has_value()) << writer.error().message();
  for (const std::size_t size : {0, 1, 5'000, 0, 3'000'000, 17, 9'000'000}) {
    const std::string piece(size, static_cast<char>('a' + whole.size() % 26));
    ASSERT_TRUE((*writer)->append(piece).has_value());
    whole += piece;
    ASSERT_FALSE(*this->store().exists(digest_of(whole))) << "it is there before it is finished";
  }
  const auto stored = (*writer)->finish();
  ASSERT_TRUE(stored.has_value()) << stored.error().message();
  EXPECT_EQ(stored->digest, digest_of(whole));
  EXPECT_EQ(stored->size_bytes, whole.size());
  EXPECT_EQ(*this->store().get(stored->digest), whole);
  EXPECT_TRUE(this->store().verify(stored->digest).has_value());
  EXPECT_EQ((*writer)->append("more").error().code(), ErrorCode::Conflict);
  EXPECT_EQ((*writer)->finish().error().code(), ErrorCode::Conflict);
  const auto empty = (*this->store().writer())->finish();
  EXPECT_EQ(empty->digest, digest_of(""));
  EXPECT_EQ(*this->store().get(empty->digest), "");
  EXPECT_EQ(this->store().list()->size(), 2U);
}

TYPED_TEST(BlobStoreConformance, writers_at_work_together_keep_their_bytes_apart) {
  const auto one = this->store().writer();
  const auto other = this->store().writer();
  const auto dropped = this->store().writer();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE((*one)->append("one").has_value());
    ASSERT_TRUE((*other)->append("o").has_value());
    ASSERT_TRUE((*dropped)->append("never finished").has_value());
  }
  const auto first = (*one)->finish();
  const auto second = (*other)->finish();
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(this->store().get(first->digest)->size(), 300U);
  EXPECT_EQ(*this->store().get(second->digest), std::string(100, 'o'));
  EXPECT_EQ(this->store().list()->size(), 2U);
}

TYPED_TEST(BlobStoreConformance, a_writer_of_what_is_there_already_keeps_one) {
  const Digest digest = *this->store().put("known");
  const auto writer = this->store().writer();
  ASSERT_TRUE((*writer)->append("kno").has_value());
  ASSERT_TRUE((*writer)->append("wn").has_value());
  EXPECT_EQ((*writer)->finish()->digest, digest);
  EXPECT_EQ(this->store().list()->size(), 1U);
}

TYPED_TEST(BlobStoreConformance, what_was_removed_is_gone_and_can_be_put_again) {
  const Digest digest = *this->store().put("a");
  ASSERT_TRUE(this->store().remove(digest).has_value());
  EXPECT_EQ(this->store().get(digest).error().code(), ErrorCode::NotFound);
  ASSERT_TRUE(this->store().put("a").has_value());
  EXPECT_EQ(*this->store().get(digest), "a");
}

TYPED_TEST(BlobStoreConformance, many_threads_may_put_the_same_and_different_blobs) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string own = std::to_string(t) + "/" + std::to_string(i);
        EXPECT_TRUE(this->store().put(own).has_value());
        EXPECT_TRUE(this->store().put("shared " + std::to_string(i)).has_value());
        EXPECT_EQ(*this->store().get(digest_of(own)), own);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(this->store().list()->size(), 8U * 20U + 20U);
}

}  // namespace
}  // namespace martlet::artifacts
