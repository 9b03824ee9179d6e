// base/fake_file_system.h: a file system in memory that can lose power, fill up and fail its n-th
// call.
//
// For tests. It keeps two states: what a running program sees, and what would be on the disk after
// a power loss now. Bytes reach the second by File::sync, names by sync_directory of their folder
// (a rename, a new file or a new folder whose own folder was not synced is lost). Thread-safe.
#pragma once
#include "base/clock.h"
#include "base/file_system.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace martlet {

class FakeFileSystem : public FileSystem {
 public:
  FakeFileSystem();
  ~FakeFileSystem() override;

  Result<std::unique_ptr<File>> open_for_reading(const std::string& path) override;
  Result<std::unique_ptr<File>> create_new(const std::string& path) override;
  Result<std::unique_ptr<File>> open_for_appending(const std::string& path) override;
  Result<FileStatus> status(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<void> create_directories(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_all(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;

  // Everything that was not synced is gone; open files keep failing from now on, as their process
  // would be dead.
  void lose_power();
  // Called before each operation with its name ("append", "sync", "rename", "create", "open",
  // "remove", "sync_directory") and path; an error that it returns is what the operation answers,
  // without effect.
  void
  set_fault(std::function<Result<void>(std::string_view operation, const std::string& path)> fault);
  // Appends beyond this many bytes in all fail with ResourceExhausted.
  void set_capacity_bytes(std::uint64_t capacity_bytes);
  std::uint64_t calls() const;

  struct State;  // shared with open files

 private:
  std::shared_ptr<State> state_;
};

}  // namespace martlet
