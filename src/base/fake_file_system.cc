#include "base/fake_file_system.h"

#include <limits>
#include <optional>
#include <set>

namespace martlet {

namespace {
struct Inode {
  std::string bytes;       // as the program sees it
  std::string safe_bytes;  // as of the last sync
  std::uint64_t number = 0;
};
using InodePointer = std::shared_ptr<Inode>;
}  // namespace

struct FakeFileSystem::State {
  mutable std::mutex mutex;                        // guards everything below
  std::map<std::string, InodePointer> files;       // path → file, as the program sees it
  std::map<std::string, InodePointer> safe_files;  // as after a power loss
  std::set<std::string> directories{"/", "."};
  std::set<std::string> safe_directories{"/", "."};
  std::function<Result<void>(std::string_view, const std::string&)> fault;
  std::uint64_t capacity_bytes = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t used_bytes = 0;
  std::uint64_t calls = 0;
  std::uint64_t next_inode = 1;
  std::uint64_t epoch = 0;  // counts power losses

  Result<void> enter(std::string_view operation, const std::string& path) {
    ++calls;
    return fault ? fault(operation, path) : Result<void>{};
  }
};

namespace {

class FakeFile : public File {
 public:
  FakeFile(std::shared_ptr<FakeFileSystem::State> state, InodePointer inode, std::string path,
           bool writable)
      : state_(std::move(state)), inode_(std::move(inode)), path_(std::move(path)),
        writable_(writable), epoch_(state_->epoch) {}

  Result<std::string> read_at(std::uint64_t offset, std::size_t size_bytes) const override {
    const std::lock_guard lock(state_->mutex);
    MARTLET_TRY(alive("read"));
    if (offset >= inode_->bytes.size()) return std::string();
    return inode_->bytes.substr(static_cast<std::size_t>(offset), size_bytes);
  }
  Result<void> append(std::string_view bytes) override {
    const std::lock_guard lock(state_->mutex);
    MARTLET_TRY(alive("append"));
    MARTLET_CHECK(writable_, "appending to a file opened for reading");
    if (bytes.size() >
        state_->capacity_bytes - std::min(state_->capacity_bytes, state_->used_bytes)) {
      return fail(ErrorCode::ResourceExhausted, "writing " + path_ + ": no space left on device");
    }
    state_->used_bytes += bytes.size();
    inode_->bytes.append(bytes);
    return {};
  }
  Result<std::uint64_t> size_bytes() const override {
    const std::lock_guard lock(state_->mutex);
    return inode_->bytes.size();
  }
  Result<void> truncate(std::uint64_t size_bytes) override {
    const std::lock_guard lock(state_->mutex);
    MARTLET_TRY(alive("truncate"));
    inode_->bytes.resize(static_cast<std::size_t>(size_bytes));
    return {};
  }
  Result<void> sync() override {
    const std::lock_guard lock(state_->mutex);
    MARTLET_TRY(alive("sync"));
    inode_->safe_bytes = inode_->bytes;
    return {};
  }
  Result<void> close() override {
    const std::lock_guard lock(state_->mutex);
    return alive("close");
  }

 private:
  Result<void> alive(std::string_view operation) const {
    if (epoch_ != state_->epoch)
      return unavailable(std::string(operation) + " " + path_ + ": the power was lost");
    return state_->enter(operation, path_);
  }
  std::shared_ptr<FakeFileSystem::State> state_;
  InodePointer inode_;
  std::string path_;
  bool writable_;
  std::uint64_t epoch_;
};

tl::unexpected<Error> absent(const std::string& path) {
  return not_found("opening " + path + ": no such file or directory");
}

}  // namespace

FakeFileSystem::FakeFileSystem() : state_(std::make_shared<State>()) {}
FakeFileSystem::~FakeFileSystem() = default;

Result<std::unique_ptr<File>> FakeFileSystem::open_for_reading(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  MARTLET_TRY(state_->enter("open", path));
  const auto found = state_->files.find(path);
  if (found == state_->files.end()) return absent(path);
  return std::make_unique<FakeFile>(state_, found->second, path, false);
}

Result<std::unique_ptr<File>> FakeFileSystem::create_new(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  MARTLET_TRY(state_->enter("create", path));
  if (!state_->directories.contains(parent_path(path))) return absent(parent_path(path));
  if (state_->files.contains(path) || state_->directories.contains(path)) {
    return fail(ErrorCode::AlreadyExists, "creating " + path + ": it exists");
  }
  auto inode = std::make_shared<Inode>();
  inode->number = state_->next_inode++;
  state_->files[path] = inode;
  return std::make_unique<FakeFile>(state_, inode, path, true);
}

Result<std::unique_ptr<File>> FakeFileSystem::open_for_appending(const std::string& path) {
  {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->files.find(path);
    if (found != state_->files.end()) {
      MARTLET_TRY(state_->enter("open", path));
      return std::make_unique<FakeFile>(state_, found->second, path, true);
    }
  }
  return create_new(path);
}

Result<FileStatus> FakeFileSystem::status(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  FileStatus status;
  if (const auto found = state_->files.find(path); found != state_->files.end()) {
    status.kind = FileKind::Regular;
    status.size_bytes = found->second->bytes.size();
    status.inode = found->second->number;
    return status;
  }
  if (!state_->directories.contains(path)) return absent(path);
  status.kind = FileKind::Directory;
  return status;
}

Result<std::vector<std::string>> FakeFileSystem::list(const std::string& directory) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->directories.contains(directory)) return absent(directory);
  std::set<std::string> names;
  for (const auto& [path, inode] : state_->files) {
    if (parent_path(path) == directory) names.insert(file_name(path));
  }
  for (const std::string& path : state_->directories) {
    if (path != directory && path != "/" && path != "." && parent_path(path) == directory)
      names.insert(file_name(path));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<void> FakeFileSystem::create_directories(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  MARTLET_TRY(state_->enter("create_directories", path));
  for (std::string at = path; at != "/" && at != "."; at = parent_path(at))
    state_->directories.insert(at);
  return {};
}

Result<void> FakeFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(state_->mutex);
  MARTLET_TRY(state_->enter("rename", from));
  const auto found = state_->files.find(from);
  if (found == state_->files.end()) return absent(from);
  const InodePointer inode = found->second;
  state_->files.erase(found);
  state_->files[to] = inode;
  return {};
}

Result<void> FakeFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  MARTLET_TRY(state_->enter("remove", path));
  if (state_->files.erase(path) > 0) return {};
  if (state_->directories.erase(path) > 0) {
    state_->safe_directories.erase(path);
    return {};
  }
  return absent(path);
}

Result<void> FakeFileSystem::remove_all(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  MARTLET_TRY(state_->enter("remove", path));
  const auto inside = [&](const std::string& other) {
    return other == path || other.starts_with(path + "/");
  };
  std::erase_if(state_->files, [&](const auto& entry) { return inside(entry.first); });
  std::erase_if(state_->directories, inside);
  return {};
}

Result<void> FakeFileSystem::sync_directory(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  MARTLET_TRY(state_->enter("sync_directory", path));
  std::erase_if(state_->safe_files,
                [&](const auto& entry) { return parent_path(entry.first) == path; });
  for (const auto& [name, inode] : state_->files) {
    if (parent_path(name) == path) state_->safe_files[name] = inode;
  }
  for (const std::string& name : state_->directories) {
    if (parent_path(name) == path) state_->safe_directories.insert(name);
  }
  return {};
}

void FakeFileSystem::lose_power() {
  const std::lock_guard lock(state_->mutex);
  ++state_->epoch;
  state_->files.clear();
  state_->used_bytes = 0;
  // What lies in a directory is lost with the directory's own name. Parents come before children.
  std::set<std::string> directories;
  for (const std::string& path : state_->safe_directories) {
    if (path == "/" || path == "." || directories.contains(parent_path(path)))
      directories.insert(path);
  }
  state_->safe_directories = std::move(directories);
  std::map<std::string, InodePointer> survivors;
  for (const auto& [path, inode] : state_->safe_files) {
    if (!state_->safe_directories.contains(parent_path(path))) continue;
    auto fresh = std::make_shared<Inode>();
    fresh->bytes = inode->safe_bytes;
    fresh->safe_bytes = inode->safe_bytes;
    fresh->number = inode->number;
    state_->used_bytes += fresh->bytes.size();
    survivors[path] = std::move(fresh);
  }
  state_->safe_files = survivors;
  state_->files = std::move(survivors);
  state_->directories = state_->safe_directories;
}

void FakeFileSystem::set_fault(
    std::function<Result<void>(std::string_view, const std::string&)> fault) {
  const std::lock_guard lock(state_->mutex);
  state_->fault = std::move(fault);
}

void FakeFileSystem::set_capacity_bytes(std::uint64_t capacity_bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->capacity_bytes = capacity_bytes;
}

std::uint64_t FakeFileSystem::calls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->calls;
}

}  // namespace martlet
