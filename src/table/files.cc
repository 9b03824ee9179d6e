#include "table/files.h"

#include "table/engine.h"

#include <algorithm>

namespace martlet::table {

Result<std::vector<std::string>> find_files(std::span<const std::string> patterns) {
  MARTLET_TRY_SET(auto engine, Engine::open({.access = Access::Sources}));
  return find_files(*engine, patterns);
}

Result<std::vector<std::string>> find_files(Engine& engine, std::span<const std::string> patterns) {
  if (patterns.empty()) return invalid_argument("no file was named");
  std::vector<std::string> found;
  for (const std::string& pattern : patterns) {
    const columns::Cell parameter = columns::Cell::of_text(pattern);
    MARTLET_TRY_SET(const columns::Batch rows,
                    engine.query("SELECT file FROM glob(?) ORDER BY file", {&parameter, 1}));
    if (rows.rows() == 0) {
      return not_found(
          pattern.find_first_of("*?[") == std::string::npos
              ? fmt::format("there is no file \"{}\"; check the path", pattern)
              : fmt::format("no file matches \"{}\"; check the path and the pattern", pattern));
    }
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      std::string file(rows.column(0).text(i));
      if (std::find(found.begin(), found.end(), file) == found.end())
        found.push_back(std::move(file));
    }
  }
  return found;
}

}  // namespace martlet::table
