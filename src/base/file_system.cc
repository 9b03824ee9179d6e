#include "base/file_system.h"

namespace martlet {

bool FileSystem::exists(const std::string& path) { return status(path).has_value(); }

Result<std::string> FileSystem::read_file(const std::string& path) {
  MARTLET_TRY_SET(const std::unique_ptr<File> file, open_for_reading(path));
  MARTLET_TRY_SET(const std::uint64_t size_bytes, file->size_bytes());
  std::string bytes;
  while (bytes.size() < size_bytes) {
    MARTLET_TRY_SET(
        const std::string part,
        file->read_at(bytes.size(), static_cast<std::size_t>(size_bytes) - bytes.size()));
    if (part.empty()) break;  // it shrank meanwhile
    bytes += part;
  }
  return bytes;
}

Result<void> FileSystem::write_file_durably(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  MARTLET_TRY(remove_all(temporary));
  const auto write = [&]() -> Result<void> {
    MARTLET_TRY_SET(const std::unique_ptr<File> file, create_new(temporary));
    MARTLET_TRY(file->append(bytes));
    MARTLET_TRY(file->sync());
    MARTLET_TRY(file->close());
    MARTLET_TRY(rename(temporary, path));
    return sync_directory(parent_path(path));
  };
  auto written = write();
  if (!written.has_value()) {
    (void)remove_all(temporary);  // the first error is the one to report
    return fail(std::move(written).error().with_context("writing " + path));
  }
  return {};
}

std::string join_path(std::string_view directory, std::string_view name) {
  if (directory.empty() || name.starts_with('/')) return std::string(name);
  std::string path(directory);
  if (path.back() != '/') path += '/';
  return path + std::string(name);
}

std::string parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

}  // namespace martlet
