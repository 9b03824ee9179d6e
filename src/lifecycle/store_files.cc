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

Result<std::vector<StoreFile>> entries_of(const Store& store, const std::string& directory) {
  FileSystem& files = store.host().files;
  std::vector<StoreFile> found;
  MARTLET_TRY_SET(const std::vector<std::string> names,
                  names_in(files, join_path(store.directory(), directory)));
  for (const std::string& name : names) {
    StoreFile entry{join_path(directory, name), 0, {}};
    MARTLET_TRY(add_up(files, join_path(store.directory(), entry.path), entry));
    found.push_back(std::move(entry));
  }
  return found;
}

// Every file *.log below; `depth` bounds what somebody may have put there.
Result<void> add_logs(FileSystem& files, const std::string& root, const std::string& directory,
                      int depth, std::vector<StoreFile>& found) {
  MARTLET_TRY_SET(const std::vector<std::string> names,
                  names_in(files, join_path(root, directory)));
  for (const std::string& name : names) {
    const std::string path = join_path(directory, name);
    const auto status = files.status(join_path(root, path));
    if (!status.has_value()) {
      if (status.error().code() == ErrorCode::NotFound) continue;
      return fail(status.error());
    }
    if (status->kind == FileKind::Directory && depth > 0)
      MARTLET_TRY(add_logs(files, root, path, depth - 1, found));
    if (status->kind == FileKind::Regular && name.ends_with(".log"))
      found.push_back({path, status->size_bytes, status->modified});
  }
  return {};
}

constexpr int kDepth = 4;  // predictions/ENVIRONMENT/MODEL, logs/RUN

Result<std::vector<StoreFile>> logs_below(const Store& store, const std::string& directory) {
  std::vector<StoreFile> found;
  MARTLET_TRY(add_logs(store.host().files, store.directory(), directory, kDepth, found));
  return found;
}

}  // namespace

Result<std::vector<StoreFile>> prediction_segments(const Store& store) {
  return logs_below(store, "predictions");
}
Result<std::vector<StoreFile>> step_logs(const Store& store) { return logs_below(store, "logs"); }
Result<std::vector<StoreFile>> files_below(FileSystem& files, const std::string& directory) {
  std::vector<StoreFile> found;
  MARTLET_TRY(add_logs(files, directory, "predictions", kDepth, found));
  MARTLET_TRY(add_logs(files, directory, "logs", kDepth, found));
  return found;
}
Result<std::vector<StoreFile>> log_folders(const Store& store) { return entries_of(store, "logs"); }

Result<std::vector<StoreFile>> leftovers_of(const Store& store) {
  MARTLET_TRY_SET(std::vector<StoreFile> found, entries_of(store, "tmp"));
  if (!store.durable_blobs().is_local()) return found;
  MARTLET_TRY_SET(const std::vector<artifacts::Leftover> temporaries,
                  store.durable_blobs().leftovers());
  for (const artifacts::Leftover& each : temporaries) {
    found.push_back(
        {each.place.substr(store.directory().size() + 1), each.size_bytes, each.modified});
  }
  return found;
}

}  // namespace martlet::lifecycle
