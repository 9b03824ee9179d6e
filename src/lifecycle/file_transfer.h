// lifecycle/file_transfer.h: the files of a store that are neither records nor blobs, brought into
// another store's folder: segments of the prediction log, which only grow, and the logs of steps.
// Caller: migrate.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "lifecycle/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::lifecycle {

// Of what the target has more of than the source, or otherwise: kept, and a segment that differs is
// an error; or gone.
enum class TargetFiles : std::uint8_t { Keep, Overwrite };

struct FileTransferCounts {
  std::int64_t all = 0;  // of the source
  std::int64_t bytes = 0;
  std::int64_t copied = 0;
  std::int64_t copied_bytes = 0;
  std::int64_t only_there = 0;  // files that only the target has
  std::int64_t removed = 0;     // of those
};

// Files of the source may grow meanwhile: as much is copied as was there when its turn came, each
// durable, and read again. A segment that begins like the source's is taken to be an earlier copy.
// Conflict, naming the file, when a segment at the target doesn't.
Result<FileTransferCounts> transfer_files(const Store& source, const std::string& directory,
                                          TargetFiles mode, const CancelToken& cancel);

// What transfer_files() would find, by sizes alone; Conflict when a segment is longer at the
// target.
Result<FileTransferCounts> count_files(const Store& source, const std::string& directory,
                                       TargetFiles mode);

}  // namespace martlet::lifecycle
