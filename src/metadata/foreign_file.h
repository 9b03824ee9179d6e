// metadata/foreign_file.h: the tables of a SQLite file that another program keeps, read only.
//
// Its tables are described as our own are (record.h): a struct with `kRecord` and `describe()`. A
// column that may be null is an optional. Nothing of the file is ever changed, and no text of it is
// run. One thread at a time; the owner may write meanwhile, each call sees one state of the file.
// Caller: lifecycle's import of MLflow's databases.
#pragma once
#include "base/result.h"
#include "metadata/query.h"
#include "metadata/record.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::metadata {

namespace internal {
class SqliteConnection;
}

class ForeignFile {
 public:
  // NotFound when there is none; InvalidArgument when it is no SQLite file; Corrupt, Unavailable,
  // PermissionDenied.
  static Result<std::unique_ptr<ForeignFile>> open(const std::string& path);
  ~ForeignFile();
  ForeignFile(const ForeignFile&) = delete;
  ForeignFile& operator=(const ForeignFile&) = delete;

  // The columns that the table has; none when there is no such table.
  Result<std::vector<std::string>> columns_of(const std::string& table) const;
  // Those of the record that the table lacks. Ask before reading: a query that names a missing
  // column fails.
  template <Record R>
  Result<std::vector<std::string>> missing_columns() const {
    return missing_in(shape_of<R>());
  }
  // How many rows the table has; 0 when there is no such table.
  Result<std::int64_t> rows_of(const std::string& table) const;

  template <Record R>
  Result<std::vector<R>> select(const Query& query = {}) const {
    std::vector<R> records;
    MARTLET_TRY(for_each<R>(query, [&](R record) -> Result<void> {
      records.push_back(std::move(record));
      return {};
    }));
    return records;
  }
  // One record after the other, without holding all of them. Ends with the visitor's first error.
  template <Record R>
  Result<void> for_each(const Query& query, const std::function<Result<void>(R)>& visit) const {
    return each_row(shape_of<R>(), query, [&](Row&& row) -> Result<void> {
      MARTLET_TRY_SET(R record, from_row<R>(std::move(row)));
      return visit(std::move(record));
    });
  }

 private:
  explicit ForeignFile(std::unique_ptr<internal::SqliteConnection> connection);
  Result<std::vector<std::string>> missing_in(const TableShape& shape) const;
  Result<void> each_row(const TableShape& shape, const Query& query,
                        const std::function<Result<void>(Row&&)>& visit) const;
  std::unique_ptr<internal::SqliteConnection> connection_;
};

}  // namespace martlet::metadata
