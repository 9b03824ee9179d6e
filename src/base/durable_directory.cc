#include "base/durable_directory.h"

#include <vector>

namespace martlet {

Result<void> create_directories_durably(FileSystem& files, const std::string& path) {
  std::vector<std::string> unsafe;
  for (std::string level = path; level != "/" && level != "."; level = parent_path(level)) {
    if (const auto names = files.list(level); names.has_value() && !names->empty()) break;
    unsafe.push_back(level);
  }
  // One level after the other, so that whatever holds something was synced before.
  for (auto level = unsafe.rbegin(); level != unsafe.rend(); ++level) {
    MARTLET_TRY(files.create_directories(*level));
    MARTLET_TRY(files.sync_directory(parent_path(*level)));
  }
  return {};
}

}  // namespace martlet
