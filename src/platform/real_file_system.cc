#include "platform/real_file_system.h"

#include "platform/internal/posix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace martlet::platform {
namespace {

// One read or write never asks for more: Linux itself stops at 2 GiB minus a page.
constexpr std::size_t kLargestTransfer = std::size_t{1} << 30;

class RealFile : public File {
 public:
  RealFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<std::string> read_at(std::uint64_t offset, std::size_t size_bytes) const override {
    std::string bytes;
    // Grown as it fills: the caller may ask for far more than the file has.
    while (bytes.size() < size_bytes) {
      const std::size_t at = bytes.size();
      const std::size_t part = std::min(
          {size_bytes - at, kLargestTransfer, std::max<std::size_t>(at, std::size_t{1} << 20)});
      bytes.resize(at + part);
      const ssize_t got = uninterrupted([&] {
        return ::pread(descriptor_.get(), bytes.data() + at, part, static_cast<off_t>(offset + at));
      });
      if (got < 0) return fail_errno(errno, "reading", path_);
      bytes.resize(at + static_cast<std::size_t>(got));
      if (got == 0) break;
    }
    return bytes;
  }

  Result<void> append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = uninterrupted([&] {
        return ::write(descriptor_.get(), bytes.data(), std::min(bytes.size(), kLargestTransfer));
      });
      if (put < 0) return fail_errno(errno, "writing", path_);
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
  }

  Result<std::uint64_t> size_bytes() const override {
    struct stat found{};
    if (::fstat(descriptor_.get(), &found) != 0)
      return fail_errno(errno, "reading the size of", path_);
    return static_cast<std::uint64_t>(found.st_size);
  }

  Result<void> truncate(std::uint64_t size_bytes) override {
    if (uninterrupted(
            [&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size_bytes)); }) != 0)
      return fail_errno(errno, "truncating", path_);
    return {};
  }

  Result<void> sync() override {
    // Not repeated on any error, EINTR included: after a failed sync the kernel may have dropped
    // the pages.
    if (::fdatasync(descriptor_.get()) != 0) return fail_errno(errno, "syncing", path_);
    return {};
  }

  Result<void> close() override {
    const int number = descriptor_.release();
    if (number >= 0 && ::close(number) != 0 && errno != EINTR)
      return fail_errno(errno, "closing", path_);
    return {};
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

Result<std::unique_ptr<File>> open_file(const std::string& path, int flags,
                                        std::string_view action) {
  Descriptor descriptor(
      uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0666); }));
  if (!descriptor.valid()) return fail_errno(errno, action, path);
  return std::make_unique<RealFile>(std::move(descriptor), path);
}

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::Regular;
  return S_ISDIR(mode) ? FileKind::Directory : FileKind::Other;
}

}  // namespace

// O_NONBLOCK: a named pipe that nobody writes to must not block the caller; regular files ignore
// it.
Result<std::unique_ptr<File>> RealFileSystem::open_for_reading(const std::string& path) {
  return open_file(path, O_RDONLY | O_NONBLOCK, "opening");
}

Result<std::unique_ptr<File>> RealFileSystem::create_new(const std::string& path) {
  return open_file(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND, "creating");
}

Result<std::unique_ptr<File>> RealFileSystem::open_for_appending(const std::string& path) {
  return open_file(path, O_RDWR | O_CREAT | O_APPEND, "opening for appending");
}

Result<FileStatus> RealFileSystem::status(const std::string& path) {
  struct stat found{};
  if (uninterrupted([&] { return ::stat(path.c_str(), &found); }) != 0)
    return fail_errno(errno, "looking at", path);
  FileStatus status;
  status.kind = kind_of(found.st_mode);
  status.size_bytes = static_cast<std::uint64_t>(found.st_size);
  status.modified = {static_cast<std::int64_t>(found.st_mtim.tv_sec) * kMicrosPerSecond +
                     found.st_mtim.tv_nsec / 1000};
  status.inode = found.st_ino;
  status.device = found.st_dev;
  return status;
}

Result<std::vector<std::string>> RealFileSystem::list(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (stream == nullptr) return fail_errno(errno, "listing", directory);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return fail_errno(errno, "listing", directory);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> RealFileSystem::create_directories(const std::string& path) {
  if (path.empty()) return invalid_argument("creating a directory: the path is empty");
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0777) != 0) {
      const int number = errno;
      struct stat found{};
      // mkdir says EACCES or EROFS of a directory that is there already: look before believing it.
      if (::stat(part.c_str(), &found) != 0)
        return fail_errno(number, "creating the directory", part);
      if (!S_ISDIR(found.st_mode))
        return fail(ErrorCode::AlreadyExists,
                    fmt::format("creating the directory {}: {} is a file", path, part));
    }
    if (end == std::string::npos || end + 1 >= path.size()) return {};
  }
}

Result<void> RealFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail_errno(errno, "renaming", fmt::format("{} to {}", from, to));
  return {};
}

Result<void> RealFileSystem::remove(const std::string& path) {
  if (::remove(path.c_str()) != 0) return fail_errno(errno, "removing", path);
  return {};
}

Result<void> RealFileSystem::remove_all(const std::string& path) {
  std::error_code failure;
  std::filesystem::remove_all(path, failure);
  if (failure && failure.value() != ENOENT) return fail_errno(failure.value(), "removing", path);
  return {};
}

Result<void> RealFileSystem::sync_directory(const std::string& path) {
  const Descriptor descriptor(
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!descriptor.valid()) return fail_errno(errno, "opening the directory", path);
  if (::fsync(descriptor.get()) != 0) return fail_errno(errno, "syncing the directory", path);
  return {};
}

Result<std::unique_ptr<File>> open_beneath(const std::string& root, const std::string& relative) {
  const std::string subject = fmt::format("{} beneath {}", relative, root);
  if (relative.empty() || relative.find('\0') != std::string::npos)
    return invalid_argument(fmt::format("opening {}: the name is empty or holds a NUL", subject));
  const Descriptor directory(
      uninterrupted([&] { return ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (!directory.valid()) return fail_errno(errno, "opening the directory", root);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  Descriptor descriptor;
  // EAGAIN: somebody renamed a directory on the way; the kernel asks to try again.
  for (int attempt = 0; attempt < 16 && !descriptor.valid(); ++attempt) {
    descriptor = Descriptor(static_cast<int>(uninterrupted([&] {
      return ::syscall(SYS_openat2, directory.get(), relative.c_str(), &how, sizeof(how));
    })));
    if (!descriptor.valid() && errno != EAGAIN) break;
  }
  if (!descriptor.valid()) {
    const int number = errno;
    if (number == EXDEV || number == ELOOP)
      return fail(ErrorCode::PermissionDenied,
                  fmt::format("opening {}: it leads outside of the directory, or through a "
                              "symbolic link; name a plain file below it",
                              subject));
    if (number == ENOSYS)
      return unavailable(fmt::format(
          "opening {}: this kernel has no openat2 (Linux 5.6 or later is needed)", subject));
    return fail_errno(number, "opening", subject);
  }
  struct stat found{};
  if (::fstat(descriptor.get(), &found) != 0) return fail_errno(errno, "looking at", subject);
  if (!S_ISREG(found.st_mode))
    return invalid_argument(fmt::format("opening {}: it is no regular file", subject));
  return std::make_unique<RealFile>(std::move(descriptor), join_path(root, relative));
}

Result<TemporaryDirectory> TemporaryDirectory::create(const std::string& parent,
                                                      std::string_view prefix) {
  std::string path = join_path(parent, std::string(prefix) + "XXXXXX");
  if (::mkdtemp(path.data()) == nullptr)
    return fail_errno(errno, "creating a temporary directory in", parent);
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

std::string TemporaryDirectory::release() { return std::exchange(path_, {}); }

TemporaryDirectory::~TemporaryDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;  // nobody is left to act on it
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace martlet::platform
