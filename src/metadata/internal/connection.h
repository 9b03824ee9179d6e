// metadata/internal/connection.h: what a database driver does for the transactions above it.
//
// One connection is used by one thread at a time; the driver's Database hands it out.
#pragma once
#include "base/result.h"
#include "metadata/internal/stored_table.h"
#include "metadata/record.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace martlet::metadata::internal {

class Dialect;

struct Outcome {
  std::vector<Row> rows;     // what the statement returned
  std::int64_t changes = 0;  // records inserted, updated or removed
};

// How the functions of a group run: in the hope that none fails behind its first change, or such
// that each can be undone alone, which costs more. Where the hope was wrong all of them run again.
enum class Care : std::uint8_t { Hopeful, Savepoints };

class Connection {
 public:
  virtual ~Connection() = default;
  // Each runs one statement in the driver's dialect, over `bound` values: one that only reads, and
  // one that may change something and, when it fails, leaves the transaction as it was. Errors:
  // AlreadyExists for a broken key or unique index; Conflict for a broken reference;
  // InvalidArgument for other broken constraints; Unavailable, ResourceExhausted, Corrupt,
  // PermissionDenied for the store's own troubles.
  virtual Result<Outcome> read(const std::string& sql, std::span<const Value> bound) = 0;
  virtual Result<Outcome> change(const std::string& sql, std::span<const Value> bound) = 0;
  // Whether a change that must succeed may be put off now: run later, with the next statement whose
  // answer is waited for. If it fails, or changes no record where it must change one, the whole
  // group of writes is run again without putting anything off, so that each function meets its own
  // errors.
  virtual bool puts_off() const { return false; }
  enum class MustChange : std::uint8_t { Nothing, OneRecord };
  virtual Result<void> put_off(const std::string& sql, std::span<const Value> bound,
                               MustChange /*what*/) {
    return change(sql, bound).map([](Outcome&&) {});
  }
  // Says that read(sql, bound) follows, before which nothing is changed: several such share a round
  // trip, where that helps.
  virtual bool reads_ahead() const { return false; }
  virtual void read_ahead(const std::string& /*sql*/, std::span<const Value> /*bound*/) {}
  virtual const Dialect& dialect() const = 0;
  // The columns that a table has now.
  virtual Result<std::vector<std::string>> columns_of(const std::string& table) = 0;
  // All that keep records, by name.
  virtual Result<std::vector<StoredTable>> tables() = 0;
};

}  // namespace martlet::metadata::internal
