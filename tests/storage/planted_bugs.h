// tests/storage/planted_bugs.h: mistakes that a store could make, each as a decorator around the real thing. The harness
// counts only if it finds every one of them.
#pragma once
#include "artifacts/blob_store.h"
#include "base/file_system.h"
#include "metadata/database.h"
#include "storage/simulated_vfs.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace martlet::storage {

enum class Bug : std::uint8_t {
  None,
  NoFileSync,             // fsync removed
  NoDirectorySync,        // directory fsync removed
  RenameBeforeSync,       // the name comes before the bytes
  FileSyncRetried,        // fsync tried again after EIO, and believed
  AckBeforeCommit,        // acknowledged before COMMIT
  RowBeforeBlob,          // the record is committed before the blob that it names is stored
  NoDigestCheck,          // what a blob holds is believed
  NoFence,                // a lease without a fencing token
  NoLogSync,              // fsync removed from SQLite's log
  NoDatabaseSync,         // fsync removed from SQLite's file, which a checkpoint needs
  NoLogDirectorySync,     // directory fsync removed from SQLite's
  LogSyncRetried,         // SQLite's fsync tried again after EIO
};
inline constexpr Bug kBugs[] = {Bug::NoFileSync,      Bug::NoDirectorySync, Bug::RenameBeforeSync, Bug::FileSyncRetried,
                                Bug::AckBeforeCommit, Bug::RowBeforeBlob,   Bug::NoDigestCheck,    Bug::NoFence,
                                Bug::NoLogSync,       Bug::NoDatabaseSync,  Bug::NoLogDirectorySync, Bug::LogSyncRetried};
std::string_view name_of(Bug bug);
VfsBug vfs_bug(Bug bug);

// What stands between the store and the real parts; where the bug isn't theirs, they pass everything on.
std::unique_ptr<FileSystem> with_bug(FileSystem& files, Bug bug);
std::unique_ptr<metadata::Database> with_bug(metadata::Database& database, Bug bug);
// `root` is where the blobs lie.
std::unique_ptr<artifacts::BlobStore> with_bug(artifacts::BlobStore& blobs, FileSystem& files, std::string root, Bug bug);

}  // namespace martlet::storage
