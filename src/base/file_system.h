// base/file_system.h: files behind an interface, so that tests can lose power, fill the disk and
// tear writes.
//
// Durability rules that every caller shares: bytes are safe only after sync() of the file AND
// sync_directory() of the folder that names it; after a failed sync never retry and never go on
// (RELIABILITY §1.4). Implementations: platform/real_file_system.h and base/fake_file_system.h.
// FileSystem is thread-safe; a File is for one thread at a time except read_at().
#pragma once
#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace martlet {

class File {
 public:
  virtual ~File() = default;
  // Reads up to `size_bytes` at `offset`; fewer only at the end of the file.
  virtual Result<std::string> read_at(std::uint64_t offset, std::size_t size_bytes) const = 0;
  // Writes all of `bytes` at the end.
  virtual Result<void> append(std::string_view bytes) = 0;
  virtual Result<std::uint64_t> size_bytes() const = 0;
  virtual Result<void> truncate(std::uint64_t size_bytes) = 0;
  // fdatasync.
  virtual Result<void> sync() = 0;
  virtual Result<void> close() = 0;
};

enum class FileKind : std::uint8_t { Regular, Directory, Other };

struct FileStatus {
  FileKind kind = FileKind::Other;
  std::uint64_t size_bytes = 0;
  Timestamp modified;
  std::uint64_t inode = 0;  // together with `device` names the file itself, whatever its path
  std::uint64_t device = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // NotFound when absent; PermissionDenied; Unavailable for other input/output errors (with the
  // system's own words).
  virtual Result<std::unique_ptr<File>> open_for_reading(const std::string& path) = 0;
  // AlreadyExists when present.
  virtual Result<std::unique_ptr<File>> create_new(const std::string& path) = 0;
  // Creates it when absent; writes go to the end.
  virtual Result<std::unique_ptr<File>> open_for_appending(const std::string& path) = 0;
  virtual Result<FileStatus> status(const std::string& path) = 0;
  // Names only, sorted; NotFound when absent.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual Result<void> create_directories(const std::string& path) = 0;
  // Replaces `to` atomically.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void>
  remove(const std::string& path) = 0;  // a file, or an empty directory; NotFound when absent
  virtual Result<void>
  remove_all(const std::string& path) = 0;  // whatever is there; fine when absent
  virtual Result<void> sync_directory(const std::string& path) = 0;

  // Conveniences on the above.
  bool exists(const std::string& path);
  Result<std::string> read_file(const std::string& path);
  // Temporary file in the same directory, sync, rename, sync of the directory: after success the
  // new content survives power loss, and whenever it stops before, the old content does.
  Result<void> write_file_durably(const std::string& path, std::string_view bytes);
};

// Path arithmetic on '/' without touching the disk.
std::string join_path(std::string_view directory, std::string_view name);
std::string parent_path(std::string_view path);
std::string file_name(std::string_view path);

}  // namespace martlet
