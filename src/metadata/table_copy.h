// metadata/table_copy.h: all tables of a store, summed, compared with another store's, or made
// equal to them, whatever drivers keep the two.
//
// Rows are read in the order of their keys, in pages of bounded size, of both stores at once; what
// is equal already isn't written. Values count as equal as the store means them: NaN is null, and
// the sign of a zero isn't kept (SQLite drops it). What the two stores know of themselves is left
// out: their migrations, and what they are copies of (store_copy.h). Free functions on transactions
// of stores that this program has opened; caller: lifecycle's migrate.
#pragma once
#include "base/digest.h"
#include "base/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace martlet::metadata {

class ReadTransaction;
class Transaction;

// How many rows a table has, and a digest of them all in the order of their keys: the same for both
// drivers.
struct TableSum {
  std::int64_t rows = 0;
  Digest digest;
  bool operator==(const TableSum&) const = default;
};
using TableSums = std::map<std::string, TableSum>;  // by table

// Of a table in two stores: what it takes to make `to` like `from`.
struct TableDifference {
  std::string table;
  TableSum from;
  TableSum to;  // before any change
  std::int64_t missing = 0;
  std::int64_t changed = 0;
  std::int64_t extra = 0;
  std::string first;  // the key of the first row that differs; "" when none does

  bool none() const { return missing + changed + extra == 0; }
};

// Called between pages, so at least every few thousand rows; its error ends the work.
using BetweenPages = std::function<Result<void>()>;

Result<TableSums> sum_tables(const ReadTransaction& tx, const BetweenPages& between = {});

// Every table's, also of those that are equal. Internal when the stores don't have the same tables.
Result<std::vector<TableDifference>> compare_tables(const ReadTransaction& from,
                                                    const ReadTransaction& to,
                                                    const BetweenPages& between = {});

// The same, and makes `to` like `from`. Unique indexes are made anew, since two rows may have
// swapped values: nobody should read the target meanwhile. Errors name the table and the row.
Result<std::vector<TableDifference>> make_tables_equal(const ReadTransaction& from, Transaction& to,
                                                       const BetweenPages& between = {});

}  // namespace martlet::metadata
