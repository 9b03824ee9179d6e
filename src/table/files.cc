#include "table/files.h"

#include "table/engine.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace martlet::table {

namespace {

bool is_pattern(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

// All of them are paths of files that are there: nothing to look for.
bool all_plain(std::span<const std::string> paths) {
  return !paths.empty() && std::all_of(paths.begin(), paths.end(), [](const std::string& path) {
    std::error_code ignored;
    return !is_pattern(path) && std::filesystem::is_regular_file(path, ignored);
  });
}

void add_once(std::string file, std::vector<std::string>& found) {
  if (std::find(found.begin(), found.end(), file) == found.end()) found.push_back(std::move(file));
}

}  // namespace

Result<std::vector<std::string>> find_files(std::span<const std::string> patterns) {
  // Starting an engine takes longer than all else that a run without changes does.
  if (all_plain(patterns)) {
    std::vector<std::string> found;
    for (const std::string& path : patterns) add_once(path, found);
    return found;
  }
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
          is_pattern(pattern)
              ? fmt::format("no file matches \"{}\"; check the path and the pattern", pattern)
              : fmt::format("there is no file \"{}\"; check the path", pattern));
    }
    for (std::size_t i = 0; i < rows.rows(); ++i)
      add_once(std::string(rows.column(0).text(i)), found);
  }
  return found;
}

}  // namespace martlet::table
