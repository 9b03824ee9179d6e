// lifecycle/store_needs.h: the one list of modules that keep records: which blobs they need, and
// what must hold of them.
//
// A module whose records name blobs is added here in the same commit; garbage collection removes
// what nobody in this list asks for. Free functions; callers: verify, gc, backup.
#pragma once
#include "artifacts/reference.h"
#include "base/finding.h"
#include "base/result.h"
#include "metadata/schema.h"

#include <map>
#include <set>
#include <span>
#include <string_view>
#include <vector>

namespace martlet::artifacts {
class BlobStore;
}
namespace martlet::metadata {
class Database;
class ReadTransaction;
}  // namespace martlet::metadata

namespace martlet::lifecycle {

struct RecordKeeper {
  std::string_view module;
  metadata::SchemaGroup (*schema)();
  // Null where records name no blobs.
  Result<void> (*add_references)(const metadata::ReadTransaction&, artifacts::BlobReferences&);
  Result<std::vector<Finding>> (*check_records)(const metadata::ReadTransaction&);
};
std::span<const RecordKeeper> record_keepers();
// The tables of all of them.
std::vector<metadata::SchemaGroup> store_schema();

// Every blob that is needed, each with all that need it.
struct StoreNeeds {
  std::map<Digest, std::vector<artifacts::BlobReference>> blobs;
  // Records that can't say what they need, and manifests that can't be read (by digest): while
  // there is one of either, what looks unneeded may be needed all the same.
  std::vector<Finding> unreadable;
  std::map<Digest, Error> unreadable_trees;

  bool complete() const { return unreadable.empty() && unreadable_trees.empty(); }
};
// One snapshot of the records; a file of a tree counts as the tree's holder's.
Result<StoreNeeds> needs_of(const metadata::Database& database, const artifacts::BlobStore& blobs);
StoreNeeds needs_of(const metadata::ReadTransaction& tx, const artifacts::BlobStore& blobs);

// The same, for those who must not go on with less: Corrupt, naming the first of what can't be
// read.
Result<StoreNeeds> complete_needs_of(const metadata::Database& database,
                                     const artifacts::BlobStore& blobs);
Result<StoreNeeds> complete_needs_of(const metadata::ReadTransaction& tx,
                                     const artifacts::BlobStore& blobs);

}  // namespace martlet::lifecycle
