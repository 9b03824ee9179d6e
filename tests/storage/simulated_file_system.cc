#include "storage/simulated_file_system.h"

namespace martlet::storage {

namespace {

tl::unexpected<Error> failed(std::string_view action, const std::string& path, SimulatedDisk::Failure failure) {
  const bool full = failure.fault != Fault::InputOutput;
  return fail(full ? ErrorCode::ResourceExhausted : ErrorCode::Unavailable,
              std::string(action) + " " + path + ": " + std::string(name_of(failure.fault)) + " (injected)");
}

tl::unexpected<Error> absent(std::string_view action, const std::string& path) {
  return not_found(std::string(action) + " " + path + ": no such file or directory");
}

class SimulatedFile : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, NodeId node, std::string path) : disk_(disk), node_(node), path_(std::move(path)) {}
  Result<std::string> read_at(std::uint64_t offset, std::size_t size_bytes) const override {
    auto read = disk_.read(node_, offset, size_bytes, __builtin_return_address(0));
    if (!read.has_value()) return failed("reading", path_, read.error());
    return std::move(*read);
  }
  Result<void> append(std::string_view bytes) override {
    return answer("writing", disk_.append(node_, bytes, __builtin_return_address(0)));
  }
  Result<std::uint64_t> size_bytes() const override { return disk_.size_bytes(node_); }
  Result<void> truncate(std::uint64_t size_bytes) override {
    return answer("truncating", disk_.truncate(node_, size_bytes, __builtin_return_address(0)));
  }
  Result<void> sync() override { return answer("syncing", disk_.sync(node_, __builtin_return_address(0))); }
  Result<void> close() override { return {}; }

 private:
  Result<void> answer(std::string_view action, const SimulatedDisk::Answer<void>& given) const {
    if (!given.has_value()) return failed(action, path_, given.error());
    return {};
  }
  SimulatedDisk& disk_;
  NodeId node_;
  std::string path_;
};

}  // namespace

bool SimulatedFileSystem::is_real(const std::string& path) const {
  return path == real_prefix_ || path.starts_with(real_prefix_ + "/");
}

Result<std::unique_ptr<File>> SimulatedFileSystem::open(const std::string& path, bool create, bool must_be_new,
                                                        const void* site) {
  bool made = false;
  auto node = disk_.open(path, create, made, site);
  if (!node.has_value()) return failed("opening", path, node.error());
  if (*node == kNoNode || disk_.is_directory(*node)) return absent("opening", path);
  if (must_be_new && !made) return fail(ErrorCode::AlreadyExists, "creating " + path + ": it exists");
  return std::make_unique<SimulatedFile>(disk_, *node, path);
}

Result<std::unique_ptr<File>> SimulatedFileSystem::open_for_reading(const std::string& path) {
  return is_real(path) ? real_.open_for_reading(path) : open(path, false, false, __builtin_return_address(0));
}

Result<std::unique_ptr<File>> SimulatedFileSystem::create_new(const std::string& path) {
  return is_real(path) ? real_.create_new(path) : open(path, true, true, __builtin_return_address(0));
}

Result<std::unique_ptr<File>> SimulatedFileSystem::open_for_appending(const std::string& path) {
  return is_real(path) ? real_.open_for_appending(path) : open(path, true, false, __builtin_return_address(0));
}

Result<FileStatus> SimulatedFileSystem::status(const std::string& path) {
  if (is_real(path)) return real_.status(path);
  const NodeId node = disk_.find(path);
  if (node == kNoNode) return absent("looking at", path);
  FileStatus status;
  status.kind = disk_.is_directory(node) ? FileKind::Directory : FileKind::Regular;
  status.size_bytes = disk_.size_bytes(node);
  status.inode = node;
  return status;
}

Result<std::vector<std::string>> SimulatedFileSystem::list(const std::string& directory) {
  if (is_real(directory)) return real_.list(directory);
  const NodeId node = disk_.find(directory);
  if (node == kNoNode || !disk_.is_directory(node)) return absent("listing", directory);
  return disk_.names(node);
}

Result<void> SimulatedFileSystem::create_directories(const std::string& path) {
  if (is_real(path)) return real_.create_directories(path);
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const auto made = disk_.make_directory(path.substr(0, end), __builtin_return_address(0));
    if (!made.has_value()) return failed("creating the directory", path, made.error());
    if (!*made) return fail(ErrorCode::AlreadyExists, "creating the directory " + path + ": a file is in the way");
    if (end == std::string::npos) return {};
  }
}

Result<void> SimulatedFileSystem::rename(const std::string& from, const std::string& to) {
  const auto renamed = disk_.rename(from, to, __builtin_return_address(0));
  if (!renamed.has_value()) return failed("renaming", from, renamed.error());
  if (!*renamed) return absent("renaming", from);
  return {};
}

Result<void> SimulatedFileSystem::remove(const std::string& path) {
  if (is_real(path)) return real_.remove(path);
  const auto removed = disk_.remove(path, __builtin_return_address(0));
  if (!removed.has_value()) return failed("removing", path, removed.error());
  if (!*removed) return absent("removing", path);
  return {};
}

Result<void> SimulatedFileSystem::remove_all(const std::string& path) {
  if (is_real(path)) return real_.remove_all(path);
  const NodeId node = disk_.find(path);
  if (node == kNoNode) return {};
  if (disk_.is_directory(node)) {
    for (const std::string& name : disk_.names(node)) MARTLET_TRY(remove_all(join_path(path, name)));
  }
  return remove(path);
}

Result<void> SimulatedFileSystem::sync_directory(const std::string& path) {
  if (is_real(path)) return real_.sync_directory(path);
  const auto synced = disk_.sync_directory(path, __builtin_return_address(0));
  if (!synced.has_value()) return failed("syncing the directory", path, synced.error());
  if (!*synced) return absent("syncing the directory", path);
  return {};
}

}  // namespace martlet::storage
