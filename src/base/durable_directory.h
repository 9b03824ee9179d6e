// base/durable_directory.h: directories whose names survive power loss.
//
// A directory's name lies in the one above, which has to be synced before anything in the new one
// counts as safe. Free function; callers: whoever makes a directory that promises durability
// (stores, blobs, logs of predictions).
#pragma once
#include "base/file_system.h"
#include "base/result.h"

#include <string>

namespace martlet {

// Makes `path` and whatever is missing above it; when it returns, their names are safe. Levels that
// were there are synced too unless they hold something: a process that was killed may have made
// them without coming to the sync, and nobody puts anything into a directory before this function
// has returned for it.
Result<void> create_directories_durably(FileSystem& files, const std::string& path);

}  // namespace martlet
