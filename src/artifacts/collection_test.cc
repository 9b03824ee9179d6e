// Putting blobs beside somebody who removes unused ones: on a real disk, with the locks that a
// store uses.
#include "artifacts/directory_blob_store.h"
#include "platform/file_lock.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

namespace martlet::artifacts {
namespace {

class Hold : public CollectionHold {
 public:
  explicit Hold(platform::FileLock lock) : lock_(std::move(lock)) {}

 private:
  platform::FileLock lock_;
};

class Collection : public ::testing::Test {
 protected:
  CollectionLock lock() {
    const std::string path = directory_.path() + "/lock";
    return [path](CollectionShare share) -> Result<std::unique_ptr<CollectionHold>> {
      const Deadline deadline{std::chrono::steady_clock::now() + std::chrono::seconds(20)};
      MARTLET_TRY_SET(platform::FileLock held,
                      share == CollectionShare::Alone
                          ? platform::FileLock::acquire(path, deadline, CancelToken())
                          : platform::FileLock::acquire_shared(path, deadline, CancelToken()));
      return std::make_unique<Hold>(std::move(held));
    };
  }
  // As another process would have it open.
  std::unique_ptr<DirectoryBlobStore> open() {
    return std::move(*DirectoryBlobStore::open(files_, directory_.path() + "/blobs", lock()));
  }
  void make_old(const std::string& path) {
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() -
                                               std::chrono::hours(48));
  }
  Timestamp hours_ago(int hours) {
    const auto status = files_.status(directory_.path());
    return status->modified - std::chrono::hours(hours);
  }

  platform::RealFileSystem files_;
  platform::TemporaryDirectory directory_ = *platform::TemporaryDirectory::create();
};

TEST_F(Collection, what_is_old_goes_and_what_was_put_lately_stays) {
  const auto store = open();
  const Digest old_one = *store->put("old");
  const Digest young = *store->put("young");
  make_old(store->path_of(old_one));
  EXPECT_TRUE(*store->remove_unless_put_since(old_one, hours_ago(24)));
  EXPECT_FALSE(*store->remove_unless_put_since(young, hours_ago(24)));
  EXPECT_FALSE(*store->exists(old_one));
  EXPECT_TRUE(*store->exists(young));
  EXPECT_FALSE(*store->remove_unless_put_since(old_one, hours_ago(24))) << "it is gone already";
  EXPECT_EQ(store->last_put(old_one).error().code(), ErrorCode::NotFound);
}

TEST_F(Collection, putting_what_is_there_already_makes_it_young_again) {
  const auto store = open();
  ASSERT_TRUE(files_.write_file_durably(directory_.path() + "/input", "bytes").has_value());
  const std::vector<std::string_view> many{"bytes"};
  const std::vector<std::function<void(DirectoryBlobStore&)>> ways{
      [](DirectoryBlobStore& to) { EXPECT_TRUE(to.put("bytes").has_value()); },
      [&](DirectoryBlobStore& to) { EXPECT_TRUE(to.put_many(many).has_value()); },
      [&](DirectoryBlobStore& to) {
        EXPECT_TRUE(to.put_file(directory_.path() + "/input").has_value());
      },
      [](DirectoryBlobStore& to) {
        const auto writer = to.writer();
        EXPECT_TRUE((*writer)->append("bytes").has_value());
        EXPECT_TRUE((*writer)->finish().has_value());
      }};
  const Digest digest = *store->put("bytes");
  for (const auto& put : ways) {
    make_old(store->path_of(digest));
    put(*store);
    EXPECT_FALSE(*store->remove_unless_put_since(digest, hours_ago(24)));
    EXPECT_EQ(*open()->get(digest), "bytes") << "marking it doesn't change it";
  }
}

TEST_F(Collection, a_blob_that_was_put_is_there_however_the_collector_raced_it) {
  const auto writer = open();
  const auto collector = open();
  const Digest digest = *writer->put("wanted");
  const Timestamp cutoff = hours_ago(24);
  int removed = 0;
  for (int round = 0; round < 1500; ++round) {
    if (*writer->exists(digest)) make_old(writer->path_of(digest));
    std::atomic<int> ready{0};
    const auto meet = [&] {
      ++ready;
      while (ready < 2) std::this_thread::yield();
    };
    std::thread removing([&] {
      meet();
      const auto done = collector->remove_unless_put_since(digest, cutoff);
      ASSERT_TRUE(done.has_value()) << done.error().message();
      removed += *done ? 1 : 0;
    });
    meet();
    const auto put = writer->put("wanted");
    ASSERT_TRUE(put.has_value()) << put.error().message();
    removing.join();
    ASSERT_TRUE(*writer->exists(digest)) << "round " << round;
  }
  EXPECT_GT(removed, 0) << "the collector was never first, so nothing was shown";
}

TEST_F(Collection, temporary_files_are_listed_with_their_age) {
  const auto store = open();
  ASSERT_TRUE(store->put("a").has_value());
  ASSERT_TRUE(files_.write_file_durably(directory_.path() + "/blobs/tmp-0", "half").has_value());
  const auto found = store->leftovers();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().size_bytes, 4U);
  EXPECT_GT(found->front().modified, hours_ago(1));
}

}  // namespace
}  // namespace martlet::artifacts
