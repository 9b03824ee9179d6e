// platform/file_lock.h: one process at a time. An flock(2) on a file that holds its owner's pid,
// for the message. Released when the object or the process dies. Movable, one owner. Not to be
// trusted on network file systems (host.h can tell).
#pragma once
#include "base/cancel.h"
#include "base/result.h"

#include <string>

namespace martlet::platform {

class FileLock {
 public:
  // Conflict, naming the holder's pid, when somebody else has it. The file is created when absent
  // and stays.
  static Result<FileLock> acquire(const std::string& path);
  // Waits for it: DeadlineExceeded (naming the holder) or Cancelled.
  static Result<FileLock> acquire(const std::string& path, Deadline deadline,
                                  const CancelToken& cancel);
  // Beside others who share it, and never beside one who has it alone; the file doesn't say who.
  static Result<FileLock> acquire_shared(const std::string& path, Deadline deadline,
                                         const CancelToken& cancel);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace martlet::platform
