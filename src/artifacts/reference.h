// artifacts/reference.h: what keeps a blob: some module's record names it.
//
// Each module that names blobs has one function, add_references(), that says so of all its records;
// lifecycle/store_needs.h asks every one of them. Garbage collection removes only what none of them
// names, so a record that names a blob and isn't told of here loses it. Values; thread-safe.
#pragma once
#include "base/digest.h"
#include "base/finding.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::artifacts {

enum class BlobContent : std::uint8_t {
  Bytes,
  Manifest,         // of a tree (tree.h): the files that it names are needed too
  BytesOrManifest,  // a manifest if it can be read as one
};

// Whose a blob is, as people name it.
struct BlobHolder {
  std::string kind;  // "dataset version"
  std::string name;  // "orders@v3"
  std::string part;  // which of its blobs: "part 1 of 2", "package file model/model.txt"
};

struct BlobReference {
  Digest digest;
  BlobContent content = BlobContent::Bytes;
  BlobHolder holder;
  std::optional<std::uint64_t> size_bytes = {};  // where the record knows it
};

struct BlobReferences {
  std::vector<BlobReference> blobs;
  // Records that can't say what they need; `path` names the holder. While there is one, nothing may
  // be removed.
  std::vector<Finding> unreadable;
};

}  // namespace martlet::artifacts
