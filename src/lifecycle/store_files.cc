#include "lifecycle/store_files.h"

#include "artifacts/directory_blob_store.h"

#include <algorithm>

namespace martlet::lifecycle {

namespace {

// Names in a directory; none when it isn't there.
Result<std::vector<std::string>> names_in(FileSystem& files, const std::string& directory) {
  auto names = files.list(directory);
  if (!names.has_value() && names.error().code() == ErrorCode::NotFound)
    return std::vector<std::string>();
  return names;
}

// The file, or all files below; nothing when it vanished meanwhile. Not below a link.
Result<void> add_up(FileSystem& files, const std::string& path, StoreFile& sum) {
  const auto status = files.status(path);
  if (!status.has_value()) {
    if (status.error().code() == ErrorCode::NotFound) return {};
    return fail(status.error());
  }
  sum.modified = std::max(sum.modified, status->modified);
  if (status->kind == FileKind::Regular) sum.size_bytes += status->size_bytes;
  if (status->kind != FileKind::Directory) return {};
  MARTLET_TRY_SET(const std::vector<std::string> names, names_in(files, path));
  for (const std::string& name : names) MARTLET_TRY(add_up(files, join_path(path, name), sum));
  return {};
}

Result<std::vector<StoreFile>> entries_of(const Store& store, const std::string& directory,
                                          std::string_view suffix = "") {
  FileSystem& files = store.host().files;
  std::vector<StoreFile> found;
  MARTLET_TRY_SET(const std::vector<std::string> names,
                  names_in(files, join_path(store.directory(), directory)));
  for (const std::string& name : names) {
    if (!name.ends_with(suffix)) continue;
    StoreFile entry{join_path(directory, name), 0, {}};
    MARTLET_TRY(add_up(files, join_path(store.directory(), entry.path), entry));
    found.push_back(std::move(entry));
  }
  return found;
}

// <directory>/<any>/*.log
Result<std::vector<StoreFile>> logs_below(const Store& store, const std::string& directory) {
  std::vector<StoreFile> found;
  MARTLET_TRY_SET(const std::vector<std::string> folders,
                  names_in(store.host().files, join_path(store.directory(), directory)));
  for (const std::string& folder : folders) {
    MARTLET_TRY_SET(const std::vector<StoreFile> logs,
                    entries_of(store, join_path(directory, folder), ".log"));
    found.insert(found.end(), logs.begin(), logs.end());
  }
  return found;
}

}  // namespace

Result<std::vector<StoreFile>> prediction_segments(const Store& store) {
  return logs_below(store, "predictions");
}
Result<std::vector<StoreFile>> step_logs(const Store& store) { return logs_below(store, "logs"); }
Result<std::vector<StoreFile>> log_folders(const Store& store) { return entries_of(store, "logs"); }

Result<std::vector<StoreFile>> leftovers_of(const Store& store) {
  MARTLET_TRY_SET(std::vector<StoreFile> found, entries_of(store, "tmp"));
  MARTLET_TRY_SET(const std::vector<artifacts::Leftover> temporaries,
                  blob_directory(store).leftovers());
  for (const artifacts::Leftover& each : temporaries) {
    found.push_back(
        {each.path.substr(store.directory().size() + 1), each.size_bytes, each.modified});
  }
  return found;
}

}  // namespace martlet::lifecycle
