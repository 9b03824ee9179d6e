// tests/storage/simulated_file_system.h: martlet's FileSystem over a SimulatedDisk.
//
// What lies below `real_prefix` goes to the machine's own disk instead: scratch files that DuckDB writes itself, and which
// nobody promises to keep. Thread-safe.
#pragma once
#include "base/file_system.h"
#include "platform/real_file_system.h"
#include "storage/simulated_disk.h"

#include <memory>
#include <string>
#include <vector>

namespace martlet::storage {

class SimulatedFileSystem : public FileSystem {
 public:
  SimulatedFileSystem(SimulatedDisk& disk, std::string real_prefix)
      : disk_(disk), real_prefix_(std::move(real_prefix)) {}

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

 private:
  bool is_real(const std::string& path) const;
  Result<std::unique_ptr<File>> open(const std::string& path, bool create, bool must_be_new, const void* site);

  SimulatedDisk& disk_;
  std::string real_prefix_;
  platform::RealFileSystem real_;
};

}  // namespace martlet::storage
