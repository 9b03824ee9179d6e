// lifecycle/store_files.h: the files of a store beside its database. Free functions;
// callers: verify, gc, backup, migrate.
#pragma once
#include "base/result.h"
#include "base/time.h"
#include "lifecycle/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::lifecycle {

struct StoreFile {
  std::string path;  // below the store's directory
  std::uint64_t size_bytes = 0;
  Timestamp modified;  // of the newest file of a directory
};

// Of every deployment, by name.
Result<std::vector<StoreFile>> prediction_segments(const Store& store);
// logs/RUN/STEP.log, by name.
Result<std::vector<StoreFile>> step_logs(const Store& store);
// Both, of a store's folder that isn't open.
Result<std::vector<StoreFile>> files_below(FileSystem& files, const std::string& directory);
// The folders of logs, by run.
Result<std::vector<StoreFile>> log_folders(const Store& store);
// Temporary files and folders, also those of processes at work: of blobs in the store's folder, of
// the folder for scratch work, of files that were being replaced.
Result<std::vector<StoreFile>> leftovers_of(const Store& store);

}  // namespace martlet::lifecycle
