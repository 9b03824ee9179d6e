// metadata/internal/sqlite_database.h: the SQLite driver: one writer with group commit, a pool of
// readers. Made by open_sqlite(). Thread-safe.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "metadata/internal/reader_pool.h"
#include "metadata/internal/sqlite_connection.h"
#include "metadata/internal/write_queue.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace martlet::metadata::internal {

class SqliteDatabase : public Database {
 public:
  SqliteDatabase(SqliteSettings settings, std::size_t max_readers,
                 std::unique_ptr<SqliteConnection> writer,
                 std::unique_ptr<SqliteConnection> watcher);
  ~SqliteDatabase() override;
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  Result<std::unique_ptr<OpenTransaction>> begin() override;
  Result<std::int64_t> data_version() const override;
  Result<std::vector<Finding>> check_integrity() const override;
  Result<void> back_up_to(const std::string& path) const override;
  WriteCounts write_counts() const override { return queue_.counts(); }

 protected:
  Result<void> write_erased(const WriteFunction& function) override;
  Result<void>
  read_erased(const std::function<Result<void>(const ReadTransaction&)>& function) const override;

 private:
  friend class SqliteOpenTransaction;

  Result<void> refuse_if_stopped() const;
  // These run on the thread that has taken the writer, without the mutex.
  void run_group(WriteGroup group);
  // False, and nothing has happened, where the hope was wrong.
  bool try_group(WriteGroup group, Care care);
  Result<void> run_one(PendingWrite& write, Care care);
  Result<void> commit();
  void stop_if_broken(const std::string& reason);

  const SqliteSettings settings_;
  WriteQueue queue_;
  mutable ReaderPool<SqliteConnection> readers_;

  mutable std::mutex stopped_mutex_;  // guards stopped_
  std::string stopped_;               // why nothing may be written any more; "" while all is well

  std::unique_ptr<SqliteConnection> writer_;  // used by the thread that has taken the writer
  mutable std::mutex watcher_mutex_;          // guards watcher_
  std::unique_ptr<SqliteConnection> watcher_;
};

}  // namespace martlet::metadata::internal
