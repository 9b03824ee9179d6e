// metadata/internal/stored_table.h: a table as a store has it, whichever module's it is. Values;
// read from the driver's catalogue by Connection::tables().
#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace martlet::metadata::internal {

struct StoredTable {
  struct Index {
    std::string name;
    std::string statement;  // makes it, in the driver's dialect
  };
  std::string name;
  std::vector<std::string> columns;    // sorted, so that two stores' are alike
  std::vector<std::size_t> key;        // indices into `columns`, in the key's order
  std::vector<std::string> refers_to;  // other tables
  std::vector<Index> unique_indexes;   // beside the key

  bool is_like(const StoredTable& other) const {
    return name == other.name && columns == other.columns && key == other.key;
  }
};

// What a catalogue says of a column: its name, and its place in the key from 1, or 0. Sorts
// `columns` and fills `key`.
void set_columns(StoredTable& table, std::vector<std::pair<std::string, std::size_t>> columns);

}  // namespace martlet::metadata::internal
