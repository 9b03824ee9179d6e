// artifacts/tree.h: many files as one digest: a manifest blob that names each file's path, digest
// and size.
//
// The manifest is canonical JSON, {"path": {"digest": "sha256:…", "size": n}, …}, so equal trees
// have equal digests. Paths are relative, with '/' between plain names; nothing else is accepted,
// neither when a tree is made nor when one is read. Free functions; thread-safe as the store is.
#pragma once
#include "artifacts/blob_store.h"
#include "base/digest.h"
#include "base/file_system.h"
#include "base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace martlet::artifacts {

struct TreeFile {
  Digest digest;
  std::uint64_t size_bytes = 0;
  bool operator==(const TreeFile&) const = default;
};
using Tree = std::map<std::string, TreeFile>;

// InvalidArgument unless it is 1 to 1,024 bytes of valid UTF-8: names separated by single '/', none
// of them empty, "." or "..", without control characters and backslashes.
Result<void> check_relative_path(std::string_view path);

// Stores the files and then the manifest. Returns the manifest's digest.
Result<Digest> put_tree(BlobStore& store, const std::map<std::string, std::string>& files);
// Every file below `directory`. InvalidArgument when a device or the like is there. Links are
// followed, so never call it on a directory that somebody else filled.
Result<Digest> put_tree_of(BlobStore& store, FileSystem& file_system, const std::string& directory);
// Of files that are stored already.
Result<Digest> put_manifest(BlobStore& store, const Tree& tree);

// NotFound; Corrupt when the blob is no manifest.
Result<Tree> read_tree(const BlobStore& store, const Digest& tree);
// One file of the tree, verified. NotFound.
Result<std::string> read_tree_file(const BlobStore& store, const Digest& tree,
                                   const std::string& path);
// The manifest and every file of it from one store into another. NotFound, Corrupt: nothing refers
// to what was copied before.
Result<void> copy_tree(const BlobStore& from, BlobStore& to, const Digest& tree);
// Writes all files below `directory`, which is made when absent. AlreadyExists when a file is there
// with other bytes. A working copy: it isn't synced.
Result<void> materialise(const BlobStore& store, FileSystem& file_system, const Digest& tree,
                         const std::string& directory);

}  // namespace martlet::artifacts
