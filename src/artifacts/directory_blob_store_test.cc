#include "artifacts/directory_blob_store.h"
#include "base/fake_file_system.h"
#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace martlet::artifacts {
namespace {

std::unique_ptr<DirectoryBlobStore> open_store(FakeFileSystem& files) {
  auto opened = DirectoryBlobStore::open(files, "/store/blobs");
  EXPECT_TRUE(opened.has_value());
  return std::move(*opened);
}

std::string blob_path(const Digest& digest) {
  return "/store/blobs/" + digest.hex().substr(0, 2) + "/" + digest.hex().substr(2);
}

// Every blob that a reader can see is whole.
void expect_nothing_partial(FakeFileSystem& files) {
  const auto store = open_store(files);
  const auto blobs = store->list();
  ASSERT_TRUE(blobs.has_value());
  for (const StoredBlob& blob : *blobs) {
    EXPECT_TRUE(store->verify(blob.digest).has_value()) << blob.digest.text();
  }
}

TEST(DirectoryBlobStore, acknowledged_blobs_survive_power_loss_at_every_call) {
  // Each round fails one call later than the one before, loses power there and looks at what is
  // left; the sweep ends with the first round in which nothing failed.
  bool finished = false;
  for (std::uint64_t fail_at = 1; !finished; ++fail_at) {
    ASSERT_LT(fail_at, 10'000U);
    FakeFileSystem files;
    const auto store = open_store(files);
    ASSERT_TRUE(files.write_file_durably("/input", std::string(100, 'f')).has_value());
    std::uint64_t call = 0;
    files.set_fault([&](std::string_view, const std::string&) -> Result<void> {
      return ++call >= fail_at ? Result<void>(unavailable("the power failed")) : Result<void>();
    });
    std::vector<std::string> acknowledged;
    for (int i = 0; i < 4; ++i) {
      const std::string bytes = "single " + std::to_string(i);
      if (store->put(bytes).has_value()) acknowledged.push_back(bytes);
    }
    const std::vector<std::string_view> many{"many 1", "many 2", "single 0", "many 3"};
    if (store->put_many(many).has_value())
      acknowledged.insert(acknowledged.end(), many.begin(), many.end());
    if (store->put_file("/input").has_value()) acknowledged.push_back(std::string(100, 'f'));
    if (auto writer = store->writer(); writer.has_value()) {
      if ((*writer)->append("in two ").has_value() && (*writer)->append("pieces").has_value() &&
          (*writer)->finish().has_value())
        acknowledged.emplace_back("in two pieces");
    }
    finished = call < fail_at;
    files.set_fault(nullptr);
    files.lose_power();
    const auto survivor = open_store(files);
    for (const std::string& bytes : acknowledged) {
      const auto read = survivor->get(digest_of(bytes));
      ASSERT_TRUE(read.has_value())
          << "lost \"" << bytes << "\", call " << fail_at << ": " << read.error().message();
      EXPECT_EQ(*read, bytes);
    }
    expect_nothing_partial(files);
    ASSERT_TRUE(survivor->put("single 3").has_value());  // the survivor works
  }
}

TEST(DirectoryBlobStore, random_histories_with_power_losses_lose_nothing_acknowledged) {
  SeededRandom random(7);
  for (int round = 0; round < 50; ++round) {
    FakeFileSystem files;
    std::set<std::string> acknowledged;
    for (int life = 0; life < 4; ++life) {
      const auto store = open_store(files);
      std::uint64_t calls_left = 5 + random.below(60);
      files.set_fault([&](std::string_view, const std::string&) -> Result<void> {
        return calls_left == 0 ? Result<void>(unavailable("the power failed"))
                               : (--calls_left, Result<void>());
      });
      for (int i = 0; i < 10; ++i) {
        const std::string bytes = "blob " + std::to_string(random.below(12));
        if (store->put(bytes).has_value()) acknowledged.insert(bytes);
      }
      files.set_fault(nullptr);
      files.lose_power();
      const auto survivor = open_store(files);
      for (const std::string& bytes : acknowledged) {
        ASSERT_TRUE(survivor->get(digest_of(bytes)).has_value())
            << "round " << round << ", life " << life;
      }
      expect_nothing_partial(files);
    }
  }
}

TEST(DirectoryBlobStore,
     a_blob_that_another_process_renamed_but_did_not_sync_is_synced_before_it_is_acknowledged) {
  FakeFileSystem files;
  const auto ours = open_store(files);
  const auto theirs = open_store(files);
  files.set_fault([](std::string_view operation, const std::string& path) -> Result<void> {
    if (operation == "sync_directory" && path != "/store/blobs") return unavailable("killed here");
    return {};
  });
  EXPECT_FALSE(theirs->put("a").has_value());
  files.set_fault(nullptr);
  ASSERT_TRUE(*ours->exists(digest_of("a")));
  ASSERT_TRUE(ours->put("a").has_value());
  files.lose_power();
  EXPECT_TRUE(open_store(files)->get(digest_of("a")).has_value());
}

TEST(DirectoryBlobStore, after_a_failed_sync_nothing_is_written_until_it_is_opened_again) {
  for (const std::string_view failing : {"sync", "sync_directory"}) {
    FakeFileSystem files;
    const auto store = open_store(files);
    ASSERT_TRUE(store->put("before").has_value());
    files.set_fault([&](std::string_view operation, const std::string&) -> Result<void> {
      return operation == failing ? Result<void>(unavailable("input/output error"))
                                  : Result<void>();
    });
    EXPECT_FALSE(store->put("lost").has_value());
    files.set_fault(nullptr);
    const auto later = store->put("later");
    ASSERT_FALSE(later.has_value()) << failing;
    EXPECT_EQ(later.error().code(), ErrorCode::Unavailable);
    EXPECT_EQ(*store->get(digest_of("before")), "before");  // reading goes on
    EXPECT_TRUE(open_store(files)->put("later").has_value());
  }
}

TEST(DirectoryBlobStore, a_full_disk_refuses_the_write_and_leaves_nothing_behind) {
  FakeFileSystem files;
  const auto store = open_store(files);
  files.set_capacity_bytes(100);
  const auto refused = store->put(std::string(200, 'x'));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::ResourceExhausted);
  EXPECT_EQ(*store->remove_leftovers(), 0);
  files.set_capacity_bytes(1'000);
  EXPECT_TRUE(store->put(std::string(200, 'x')).has_value());
}

TEST(DirectoryBlobStore, a_damaged_blob_is_corrupt_by_name_and_is_mended_by_putting_it_again) {
  FakeFileSystem files;
  Digest digest;
  {
    const auto store = open_store(files);
    digest = *store->put("precious");
  }
  ASSERT_TRUE(files.write_file_durably(blob_path(digest), "precioux").has_value());
  const auto store = open_store(files);
  const auto read = store->get(digest);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code(), ErrorCode::Corrupt);
  EXPECT_NE(read.error().message().find(digest.text()), std::string::npos);
  EXPECT_EQ(store->open(digest).error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(store->local_path(digest).error().code(), ErrorCode::Corrupt);
  ASSERT_TRUE(store->put("precious").has_value());
  EXPECT_EQ(*store->get(digest), "precious");
}

TEST(DirectoryBlobStore, verify_notices_damage_that_came_after_the_first_read) {
  FakeFileSystem files;
  const auto store = open_store(files);
  const Digest digest = *store->put("precious");
  ASSERT_TRUE(files.write_file_durably(blob_path(digest), "precioux").has_value());
  EXPECT_EQ(store->verify(digest).error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(store->get(digest).error().code(), ErrorCode::Corrupt);
}

TEST(DirectoryBlobStore, a_file_that_grows_while_it_is_copied_is_a_conflict) {
  FakeFileSystem files;
  const auto store = open_store(files);
  ASSERT_TRUE(files.write_file_durably("/input", "one").has_value());
  bool grown = false;
  files.set_fault([&](std::string_view operation, const std::string& path) -> Result<void> {
    grown = grown || (operation == "append" && path.find("tmp-") != std::string::npos);
    return {};
  });
  // The fake is locked while it calls back, so the writer comes between two calls of the store.
  class Growing : public FileSystem {
   public:
    Growing(FakeFileSystem& inner, const bool& now) : inner_(inner), now_(now) {}
    Result<std::unique_ptr<File>> open_for_reading(const std::string& path) override {
      return inner_.open_for_reading(path);
    }
    Result<std::unique_ptr<File>> create_new(const std::string& path) override {
      return inner_.create_new(path);
    }
    Result<std::unique_ptr<File>> open_for_appending(const std::string& path) override {
      return inner_.open_for_appending(path);
    }
    Result<FileStatus> status(const std::string& path) override {
      auto found = inner_.status(path);
      if (found.has_value() && now_ && path == "/input") found->size_bytes += 1;
      return found;
    }
    Result<std::vector<std::string>> list(const std::string& directory) override {
      return inner_.list(directory);
    }
    Result<void> create_directories(const std::string& path) override {
      return inner_.create_directories(path);
    }
    Result<void> rename(const std::string& from, const std::string& to) override {
      return inner_.rename(from, to);
    }
    Result<void> remove(const std::string& path) override { return inner_.remove(path); }
    Result<void> remove_all(const std::string& path) override { return inner_.remove_all(path); }
    Result<void> sync_directory(const std::string& path) override {
      return inner_.sync_directory(path);
    }

   private:
    FakeFileSystem& inner_;
    const bool& now_;
  };
  Growing growing(files, grown);
  const auto watched = DirectoryBlobStore::open(growing, "/store/blobs");
  ASSERT_TRUE(watched.has_value());
  EXPECT_EQ((*watched)->put_file("/input").error().code(), ErrorCode::Conflict);
  EXPECT_TRUE((*watched)->list()->empty());
}

TEST(DirectoryBlobStore, leftovers_of_killed_processes_are_no_blobs_and_are_removed_on_request) {
  FakeFileSystem files;
  const auto store = open_store(files);
  const Digest digest = *store->put("a");
  ASSERT_TRUE(files.create_new(parent_path(blob_path(digest)) + "/tmp-77").has_value());
  ASSERT_TRUE(files.create_new("/store/blobs/tmp-0").has_value());
  EXPECT_EQ(store->list()->size(), 1U);
  EXPECT_TRUE(store->put("b").has_value());
  EXPECT_EQ(*store->remove_leftovers(), 2);
  EXPECT_TRUE(store->get(digest).has_value());
}

TEST(DirectoryBlobStore, a_writer_that_is_dropped_leaves_nothing_and_a_killed_one_what_gc_takes) {
  FakeFileSystem files;
  const auto store = open_store(files);
  {
    const auto dropped = store->writer();
    ASSERT_TRUE((*dropped)->append("half").has_value());
    EXPECT_EQ(store->leftovers()->size(), 1U);
  }
  EXPECT_TRUE(store->leftovers()->empty());
  {
    const auto killed = store->writer();
    ASSERT_TRUE((*killed)->append("half").has_value());
    files.set_fault([](std::string_view operation, const std::string&) -> Result<void> {
      return operation == "remove" ? Result<void>(unavailable("killed")) : Result<void>();
    });
  }
  files.set_fault(nullptr);
  EXPECT_TRUE(store->list()->empty());
  ASSERT_EQ(store->leftovers()->size(), 1U);
  EXPECT_EQ(store->leftovers()->front().size_bytes, 4U);
  EXPECT_EQ(*store->remove_leftovers(), 1);
}

TEST(DirectoryBlobStore, a_writer_on_a_full_disk_is_over_and_leaves_nothing_behind) {
  FakeFileSystem files;
  const auto store = open_store(files);
  files.set_capacity_bytes(100);
  {
    const auto writer = store->writer();
    ASSERT_TRUE((*writer)->append(std::string(60, 'x')).has_value());
    EXPECT_EQ((*writer)->append(std::string(60, 'x')).error().code(), ErrorCode::ResourceExhausted);
    files.set_capacity_bytes(1'000);
    EXPECT_EQ((*writer)->append("x").error().code(), ErrorCode::Conflict);
    EXPECT_EQ((*writer)->finish().error().code(), ErrorCode::Conflict) << "a piece is missing";
  }
  EXPECT_TRUE(store->leftovers()->empty());
  EXPECT_TRUE(store->list()->empty());
}

TEST(DirectoryBlobStore, a_writer_begun_before_a_failed_sync_is_refused_too) {
  FakeFileSystem files;
  const auto store = open_store(files);
  const auto early = store->writer();
  ASSERT_TRUE((*early)->append("early").has_value());
  files.set_fault([](std::string_view operation, const std::string&) -> Result<void> {
    return operation == "sync" ? Result<void>(unavailable("input/output error")) : Result<void>();
  });
  EXPECT_FALSE(store->put("lost").has_value());
  files.set_fault(nullptr);
  EXPECT_EQ((*early)->finish().error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(store->writer().error().code(), ErrorCode::Unavailable);
  EXPECT_FALSE(*store->exists(digest_of("early")));
}

TEST(DirectoryBlobStore, local_path_names_the_file) {
  FakeFileSystem files;
  const auto store = open_store(files);
  const Digest digest = *store->put("a");
  EXPECT_EQ(**store->local_path(digest), blob_path(digest));
}

}  // namespace
}  // namespace martlet::artifacts
