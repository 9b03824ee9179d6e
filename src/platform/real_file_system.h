// platform/real_file_system.h: base's FileSystem over POSIX, a confined way to open what a stranger
// named, and a directory that removes itself.
//
// RealFileSystem has no state and is thread-safe; a File is for one thread at a time except
// read_at(). Error codes: ENOENT NotFound, EEXIST AlreadyExists, EACCES/EPERM/EROFS
// PermissionDenied, ENOSPC/EDQUOT/EMFILE ResourceExhausted, bad names InvalidArgument, all else
// Unavailable; messages carry the path and the system's words. Called by everything that stores;
// made in main.
#pragma once
#include "base/file_system.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::platform {

class RealFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open_for_reading(const std::string& path) override;
  Result<std::unique_ptr<File>> create_new(const std::string& path) override;
  Result<std::unique_ptr<File>> open_for_appending(const std::string& path) override;
  Result<FileStatus> status(const std::string& path) override;  // of what a symbolic link points to
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<void> create_directories(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_all(const std::string& path) override;  // never follows symbolic links
  Result<void> sync_directory(const std::string& path) override;
};

// Opens an existing regular file for reading, such that no part of `relative` (symbolic links,
// "..", magic links, an absolute path) leads outside `root`: openat2 with RESOLVE_BENEATH |
// RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS. PermissionDenied when it would; NotFound when
// absent; InvalidArgument for what is no regular file; Unavailable on a kernel without openat2
// (before 5.6): there is no weaker way.
Result<std::unique_ptr<File>> open_beneath(const std::string& root, const std::string& relative);

// A fresh directory (mode 0700) that is removed with all its content when the object dies. Movable,
// not copyable; one owner.
class TemporaryDirectory {
 public:
  // Below `parent` (which must exist), named `prefix` plus six random characters.
  static Result<TemporaryDirectory> create(const std::string& parent = "/tmp",
                                           std::string_view prefix = "martlet-");
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  const std::string& path() const { return path_; }
  // Gives up ownership: the directory stays.
  std::string release();

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace martlet::platform
