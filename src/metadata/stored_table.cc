#include "metadata/internal/stored_table.h"

#include <algorithm>

namespace martlet::metadata::internal {

void set_columns(StoredTable& table, std::vector<std::pair<std::string, std::size_t>> columns) {
  std::sort(columns.begin(), columns.end());
  std::vector<std::pair<std::size_t, std::size_t>> key;  // place in the key, index
  for (const auto& [name, place] : columns) {
    if (place > 0) key.emplace_back(place, table.columns.size());
    table.columns.push_back(name);
  }
  std::sort(key.begin(), key.end());
  for (const auto& [place, index] : key) table.key.push_back(index);
}

}  // namespace martlet::metadata::internal
