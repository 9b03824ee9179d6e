// What survives a killed process, and what happens when the disk fails.
#include "metadata/database.h"
#include "metadata/testing/live_postgres.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <charconv>
#include <filesystem>
#include <signal.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace martlet::metadata {
namespace {

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

SchemaGroup note_schema() {
  return {"notes",
          {{1, "notes", [](SchemaEditor& schema) { return schema.create_table<NoteRecord>(); }}}};
}

using testing::Driver;

class DurabilityTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> open(const std::string& vfs = "") {
    auto opened = Database::open(path_, {.schema = {note_schema()}, .sqlite_vfs = vfs});
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    return opened.has_value() ? std::move(*opened) : nullptr;
  }
  testing::TestPlace scratch_{Driver::Sqlite};
  std::string directory_ = scratch_.directory();
  std::string path_ = scratch_.place();
};

class KilledClientTest : public ::testing::TestWithParam<Driver> {
 protected:
  void SetUp() override {
    if (!scratch_.available()) GTEST_SKIP() << testing::kNoPostgres;
  }
  std::unique_ptr<Database> open() {
    auto opened = Database::open(path_, {.schema = {note_schema()}});
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    return opened.has_value() ? std::move(*opened) : nullptr;
  }
  testing::TestPlace scratch_{GetParam()};
  std::string path_ = scratch_.place();
};

Result<void> add(Database& database, std::int64_t number) {
  return database.write(
      [&](Transaction& tx) { return tx.insert(NoteRecord{number, std::string(200, 'x')}); });
}

bool has(Database& database, std::int64_t number) {
  const auto found =
      database.read([&](const ReadTransaction& tx) { return tx.exists<NoteRecord>(number); });
  return found.has_value() && *found;
}

// In the child: writes from several threads and reports each acknowledged number, until it is
// killed.
[[noreturn]] void write_until_killed(const std::string& path, int report, std::int64_t first) {
  auto opened = Database::open(path, {.schema = {note_schema()}});
  if (!opened.has_value()) _exit(1);
  std::vector<std::thread> threads;
  for (std::int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::int64_t i = 0; i < 1'000'000; ++i) {
        const std::int64_t number = first + i * 4 + t;
        if (!add(**opened, number).has_value()) _exit(2);
        // Eight bytes to a pipe arrive whole.
        if (write(report, &number, sizeof number) != sizeof number) _exit(3);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  _exit(4);
}

TEST_P(KilledClientTest, every_acknowledged_write_survives_kill_9) {
  open();
  std::vector<std::int64_t> acknowledged;
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      write_until_killed(path_, ends[1], round * 10'000'000);
    }
    close(ends[1]);
    // Killed after a number of acknowledgements, not after a time: no clock is needed.
    const std::size_t enough = acknowledged.size() + 10 + static_cast<std::size_t>(round) * 17;
    std::int64_t number = 0;
    bool killed = false;
    while (read(ends[0], &number, sizeof number) == sizeof number) {
      acknowledged.push_back(number);
      if (!killed && acknowledged.size() >= enough) {
        ASSERT_EQ(kill(child, SIGKILL), 0);
        killed = true;
      }
    }
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
  }
  const auto database = open();
  for (const std::int64_t number : acknowledged) EXPECT_TRUE(has(*database, number)) << number;
  EXPECT_TRUE(database->check_integrity()->empty());
}

// A SQLite file layer over the system's that fails syncs, or writes for lack of space, on request.
class FailingDisk {
 public:
  enum class Fault : std::uint8_t { None, Sync, Full };
  explicit FailingDisk(const char* name) : system_(sqlite3_vfs_find(nullptr)) {
    vfs_ = *system_;
    vfs_.zName = name;
    vfs_.pAppData = this;
    vfs_.pNext = nullptr;
    vfs_.szOsFile = static_cast<int>(sizeof(OpenFile)) + system_->szOsFile;
    vfs_.xOpen = &FailingDisk::open_file;
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~FailingDisk() { sqlite3_vfs_unregister(&vfs_); }
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;
  std::atomic<Fault> fault{Fault::None};
  std::atomic<int> syncs{0};

 private:
  struct OpenFile {
    sqlite3_file base;
    FailingDisk* disk;
    sqlite3_io_methods methods;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static sqlite3_file* real(sqlite3_file* file) {
    return reinterpret_cast<OpenFile*>(file)->real();
  }
  static FailingDisk& disk(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file)->disk; }

  static int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                       int* out_flags) {
    auto* self = static_cast<FailingDisk*>(vfs->pAppData);
    auto* opened = reinterpret_cast<OpenFile*>(file);
    opened->disk = self;
    const int code = self->system_->xOpen(self->system_, name, opened->real(), flags, out_flags);
    opened->base.pMethods = nullptr;
    if (opened->real()->pMethods == nullptr) return code;
    sqlite3_io_methods& m = opened->methods;
    m = *opened->real()->pMethods;
    m.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
    m.xRead = [](sqlite3_file* f, void* b, int n, sqlite3_int64 o) {
      return real(f)->pMethods->xRead(real(f), b, n, o);
    };
    m.xWrite = [](sqlite3_file* f, const void* b, int n, sqlite3_int64 o) {
      if (disk(f).fault == Fault::Full) return SQLITE_FULL;
      return real(f)->pMethods->xWrite(real(f), b, n, o);
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) {
      return real(f)->pMethods->xTruncate(real(f), n);
    };
    m.xSync = [](sqlite3_file* f, int how) {
      ++disk(f).syncs;
      if (disk(f).fault == Fault::Sync) return SQLITE_IOERR_FSYNC;
      return real(f)->pMethods->xSync(real(f), how);
    };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) {
      return real(f)->pMethods->xFileSize(real(f), n);
    };
    m.xLock = [](sqlite3_file* f, int how) { return real(f)->pMethods->xLock(real(f), how); };
    m.xUnlock = [](sqlite3_file* f, int how) { return real(f)->pMethods->xUnlock(real(f), how); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return real(f)->pMethods->xCheckReservedLock(real(f), out);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
      return real(f)->pMethods->xFileControl(real(f), op, arg);
    };
    m.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
      return real(f)->pMethods->xDeviceCharacteristics(real(f));
    };
    m.xShmMap = [](sqlite3_file* f, int p, int n, int e, void volatile** out) {
      return real(f)->pMethods->xShmMap(real(f), p, n, e, out);
    };
    m.xShmLock = [](sqlite3_file* f, int o, int n, int flag) {
      return real(f)->pMethods->xShmLock(real(f), o, n, flag);
    };
    m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
    m.xShmUnmap = [](sqlite3_file* f, int d) { return real(f)->pMethods->xShmUnmap(real(f), d); };
    m.xFetch = [](sqlite3_file* f, sqlite3_int64 o, int n, void** out) {
      return real(f)->pMethods->xFetch(real(f), o, n, out);
    };
    m.xUnfetch = [](sqlite3_file* f, sqlite3_int64 o, void* p) {
      return real(f)->pMethods->xUnfetch(real(f), o, p);
    };
    opened->base.pMethods = &m;
    return code;
  }

  sqlite3_vfs* system_;
  sqlite3_vfs vfs_;
};

TEST_F(DurabilityTest, a_commit_is_synced_before_it_is_acknowledged) {
  FailingDisk disk("failing-1");
  const auto database = open("failing-1");
  const int before = disk.syncs;
  ASSERT_TRUE(add(*database, 1).has_value());
  EXPECT_GT(disk.syncs, before);
}

TEST_F(DurabilityTest, a_lone_commit_costs_one_sync_and_writers_that_wait_together_share_it) {
  FailingDisk disk("failing-4");
  const auto database = open("failing-4");
  ASSERT_TRUE(add(*database, 0).has_value());  // it begins the log, whose head is synced as well
  const int before = disk.syncs;
  constexpr std::int64_t kWrites = 100;
  for (std::int64_t i = 1; i <= kWrites; ++i) ASSERT_TRUE(add(*database, i).has_value());
  EXPECT_EQ(disk.syncs - before, kWrites);

  // Whoever comes while the writer is taken shares the next commit.
  const int alone = disk.syncs;
  const std::int64_t commits = database->write_counts().commits;
  std::atomic<int> started{0};
  std::vector<std::thread> threads;
  {
    const auto held = database->begin();
    ASSERT_TRUE(held.has_value());
    for (std::int64_t t = 0; t < 16; ++t) {
      threads.emplace_back([&, t] {
        ++started;
        EXPECT_TRUE(add(*database, 1000 + t).has_value());
      });
    }
    while (started < 16) std::this_thread::yield();
    ASSERT_TRUE((*held)->insert(NoteRecord{999, "held"}).has_value());
    ASSERT_TRUE((*held)->commit().has_value());
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(disk.syncs - alone, database->write_counts().commits - commits);
  EXPECT_LE(database->write_counts().commits - commits, 17);
}

TEST_F(DurabilityTest,
       after_a_failed_sync_every_write_is_refused_until_reopened_and_nothing_acknowledged_is_lost) {
  FailingDisk disk("failing-2");
  {
    const auto database = open("failing-2");
    ASSERT_TRUE(add(*database, 1).has_value());
    disk.fault = FailingDisk::Fault::Sync;
    const auto failed = add(*database, 2);
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code(), ErrorCode::Unavailable);
    disk.fault = FailingDisk::Fault::None;
    const auto later =
        add(*database, 3);  // the disk is well again, but what it has lost is unknown
    ASSERT_FALSE(later.has_value());
    EXPECT_EQ(later.error().code(), ErrorCode::Unavailable);
    EXPECT_NE(later.error().message().find("stopped writing"), std::string::npos);
    EXPECT_FALSE(database->begin().has_value());
    EXPECT_TRUE(has(*database, 1));  // reading goes on
    EXPECT_FALSE(has(*database, 2));
  }
  const auto database = open();
  EXPECT_TRUE(has(*database, 1));
  EXPECT_FALSE(has(*database, 3));
  EXPECT_TRUE(add(*database, 3).has_value());
  EXPECT_TRUE(database->check_integrity()->empty());
}

TEST_F(DurabilityTest, a_store_that_stopped_is_not_synced_again_when_it_is_closed) {
  FailingDisk disk("failing-4");
  int syncs = 0;
  {
    const auto database = open("failing-4");
    ASSERT_TRUE(add(*database, 1).has_value());
    ASSERT_TRUE(has(*database, 1));  // a reader is open, too
    disk.fault = FailingDisk::Fault::Sync;
    ASSERT_FALSE(add(*database, 2).has_value());
    disk.fault = FailingDisk::Fault::None;
    syncs = disk.syncs;
  }
  EXPECT_EQ(disk.syncs, syncs);
  EXPECT_TRUE(has(*open(), 1));
}

// A process whose sync failed leaves commits in the page cache that never reached the disk.
TEST_F(DurabilityTest, the_log_that_another_process_left_is_synced_before_anything_is_appended) {
  const std::string left = directory_ + "/left.db";
  {
    const auto database = open();
    ASSERT_TRUE(add(*database, 1).has_value());
    std::filesystem::copy_file(path_, left);
    std::filesystem::copy_file(path_ + "-wal", left + "-wal");
  }
  FailingDisk disk("failing-5");
  const DatabaseOptions options{.schema = {note_schema()}, .sqlite_vfs = "failing-5"};
  disk.fault = FailingDisk::Fault::Sync;
  EXPECT_FALSE(Database::open(left, options).has_value());
  disk.fault = FailingDisk::Fault::None;
  const auto database = Database::open(left, options);
  ASSERT_TRUE(database.has_value());
  EXPECT_TRUE(has(**database, 1));
}

TEST_F(DurabilityTest, a_full_disk_refuses_the_write_and_writing_resumes_when_there_is_space) {
  FailingDisk disk("failing-3");
  const auto database = open("failing-3");
  ASSERT_TRUE(add(*database, 1).has_value());
  disk.fault = FailingDisk::Fault::Full;
  const auto refused = add(*database, 2);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::ResourceExhausted) << refused.error().message();
  EXPECT_TRUE(has(*database, 1));
  disk.fault = FailingDisk::Fault::None;
  EXPECT_TRUE(add(*database, 3).has_value());
  EXPECT_FALSE(has(*database, 2));
}

TEST_F(DurabilityTest, the_log_is_moved_into_the_file_before_it_grows_without_bound) {
  const auto database = open();
  for (std::int64_t i = 0; i < 60; ++i) {
    ASSERT_TRUE(database
                    ->write([&](Transaction& tx) -> Result<void> {
                      for (std::int64_t j = 0; j < 20; ++j)
                        MARTLET_TRY(tx.insert(NoteRecord{i * 20 + j, std::string(8000, 'x')}));
                      return {};
                    })
                    .has_value());
  }
  EXPECT_LT(std::filesystem::file_size(path_ + "-wal"), 8U << 20);
}

INSTANTIATE_TEST_SUITE_P(Drivers, KilledClientTest,
                         ::testing::Values(Driver::Sqlite, Driver::Postgres),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace martlet::metadata
