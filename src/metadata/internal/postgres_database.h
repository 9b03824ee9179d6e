// metadata/internal/postgres_database.h: the PostgreSQL driver: one connection that writes, a pool
// of readers. Made by open_postgres(). Thread-safe.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "metadata/internal/postgres_server.h"
#include "metadata/internal/postgres_writer.h"
#include "metadata/internal/reader_pool.h"
#include "metadata/internal/write_queue.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace martlet::metadata::internal {

class PostgresDatabase : public Database {
 public:
  // `name` is no other Database's, in any process.
  PostgresDatabase(PostgresPlace place, const DatabaseOptions& options, const std::string& name);
  ~PostgresDatabase() override;
  PostgresDatabase(const PostgresDatabase&) = delete;
  PostgresDatabase& operator=(const PostgresDatabase&) = delete;

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
  friend class PostgresOpenTransaction;
  // Runs `reading` on a reader; again on another one when the server went away meanwhile.
  Result<void> with_reader(const std::function<Result<void>(PostgresConnection&)>& reading) const;

  const PostgresServer server_;
  const std::vector<SchemaGroup> schema_;
  WriteQueue queue_;
  PostgresWriter writer_;  // used by the thread that has taken it
  mutable ReaderPool<PostgresConnection> readers_;
};

}  // namespace martlet::metadata::internal
