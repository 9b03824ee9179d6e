// metadata/internal/row_stream.h: all rows of a table in the order of their keys, a page at a time.
// One thread; the connection must outlive it.
#pragma once
#include "base/digest.h"
#include "base/result.h"
#include "metadata/internal/connection.h"
#include "metadata/internal/stored_table.h"
#include "metadata/table_copy.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace martlet::metadata::internal {

class RowStream {
 public:
  // `table` must outlive it. Rows that are written behind the one shown don't come.
  RowStream(Connection& connection, const StoredTable& table);

  // The next row; null at the end. Valid until pop().
  Result<const Row*> peek();
  // Passes over it, which counts it.
  void pop();
  // Whether the next peek() asks the store.
  bool at_page_end() const { return !over_ && at_ == page_.size(); }
  // Of the rows passed over.
  TableSum sum();

 private:
  Result<void> fetch();

  Connection& connection_;
  const StoredTable& table_;
  std::string first_page_;
  std::string next_page_;
  std::vector<Row> page_;
  std::size_t at_ = 0;
  std::int64_t page_rows_;
  Row last_key_;
  bool over_ = false;
  std::int64_t rows_ = 0;
  Sha256 hasher_;
};

Row key_of(const StoredTable& table, const Row& row);
// "run 'a', 7", for messages.
std::string key_text(const StoredTable& table, const Row& row);
// As the store sorts them: texts and bytes bytewise.
std::strong_ordering compare_keys(const StoredTable& table, const Row& left, const Row& right);
bool same_rows(const Row& left, const Row& right);

}  // namespace martlet::metadata::internal
