#include "lifecycle/store_needs.h"

#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "data/references.h"
#include "data/version_store.h"
#include "metadata/database.h"
#include "monitoring/records.h"
#include "monitoring/references.h"
#include "registry/references.h"
#include "registry/schema.h"
#include "tracking/openlineage_outbox.h"
#include "tracking/references.h"
#include "tracking/schema.h"
#include "workflow/records.h"
#include "workflow/references.h"

#include <fmt/format.h>

#include <array>

namespace martlet::lifecycle {

namespace {

using artifacts::BlobContent;
using artifacts::BlobReference;

// A manifest names a few files; what is larger is data.
constexpr std::uint64_t kMaxGuessedManifestBytes = 4u << 20;

constexpr std::array<RecordKeeper, 6> kKeepers{{
    {"data", data::data_schema, data::add_references, data::check_records},
    {"tracking", tracking::tracking_schema, tracking::add_references, tracking::check_records},
    {"openlineage", tracking::openlineage_schema, nullptr, tracking::check_openlineage},
    {"registry", registry::registry_schema, registry::add_references, registry::check_records},
    {"workflow", workflow::workflow_schema, workflow::add_references, workflow::check_records},
    {"monitoring", monitoring::monitoring_schema, nullptr, monitoring::check_records},
}};

// Whether bytes that may be a manifest are worth a look; a missing blob is, for its error.
bool may_be_manifest(const artifacts::BlobStore& blobs, const Digest& digest) {
  const auto size = blobs.size_bytes(digest);
  return !size.has_value() || *size <= kMaxGuessedManifestBytes;
}

void add_files(const BlobReference& tree, const artifacts::Tree& files, StoreNeeds& needs) {
  for (const auto& [path, file] : files) {
    artifacts::BlobHolder holder = tree.holder;
    holder.part += " file " + path;
    needs.blobs[file.digest].push_back(
        {file.digest, BlobContent::Bytes, std::move(holder), file.size_bytes});
  }
}

void add_tree(const artifacts::BlobStore& blobs, const BlobReference& reference,
              std::map<Digest, std::optional<artifacts::Tree>>& known, StoreNeeds& needs) {
  const bool guessed = reference.content == BlobContent::BytesOrManifest;
  if (guessed && !may_be_manifest(blobs, reference.digest)) return;
  auto found = known.find(reference.digest);
  if (found == known.end()) {
    auto tree = artifacts::read_tree(blobs, reference.digest);
    std::optional<artifacts::Tree> files;
    if (tree.has_value()) {
      files = std::move(*tree);
    } else if (guessed) {
      // Bytes that are whole and no manifest are just bytes; damaged or missing ones may have been
      // a manifest.
      if (const auto whole = blobs.get(reference.digest); !whole.has_value())
        needs.unreadable_trees.emplace(reference.digest, whole.error());
    } else {
      needs.unreadable_trees.emplace(reference.digest, tree.error());
    }
    found = known.emplace(reference.digest, std::move(files)).first;
  }
  if (found->second.has_value()) add_files(reference, *found->second, needs);
}

artifacts::BlobReferences references_of(const metadata::ReadTransaction& tx) {
  artifacts::BlobReferences found;
  for (const RecordKeeper& keeper : record_keepers()) {
    if (keeper.add_references == nullptr) continue;
    // What one module can't read must not hide what the others say.
    auto asked = keeper.add_references(tx, found);
    if (asked.has_value()) continue;
    Finding finding;
    finding.path = fmt::format("records of {}", keeper.module);
    finding.rule = "damaged_record";
    finding.message = asked.error().message();
    found.unreadable.push_back(std::move(finding));
  }
  return found;
}

StoreNeeds needs_of(artifacts::BlobReferences found, const artifacts::BlobStore& blobs) {
  StoreNeeds needs;
  needs.unreadable = std::move(found.unreadable);
  for (const BlobReference& reference : found.blobs)
    needs.blobs[reference.digest].push_back(reference);
  std::map<Digest, std::optional<artifacts::Tree>> known;
  for (const BlobReference& reference : found.blobs) {
    if (reference.content != BlobContent::Bytes) add_tree(blobs, reference, known, needs);
  }
  return needs;
}

Result<StoreNeeds> complete(StoreNeeds needs) {
  if (needs.complete()) return needs;
  const std::string why =
      needs.unreadable.empty()
          ? needs.unreadable_trees.begin()->second.message()
          : needs.unreadable.front().path + ": " + needs.unreadable.front().message;
  return corrupt(fmt::format("the store is damaged, so what it needs can't be told for sure ({}); "
                             "`martlet verify` names all that is damaged, and what to do",
                             why));
}

}  // namespace

std::span<const RecordKeeper> record_keepers() { return kKeepers; }

std::vector<metadata::SchemaGroup> store_schema() {
  std::vector<metadata::SchemaGroup> groups;
  for (const RecordKeeper& keeper : record_keepers()) groups.push_back(keeper.schema());
  return groups;
}

Result<StoreNeeds> needs_of(const metadata::Database& database, const artifacts::BlobStore& blobs) {
  MARTLET_TRY_SET(
      artifacts::BlobReferences found,
      database.read([](const metadata::ReadTransaction& tx) -> Result<artifacts::BlobReferences> {
        return references_of(tx);
      }));
  return needs_of(std::move(found), blobs);
}

StoreNeeds needs_of(const metadata::ReadTransaction& tx, const artifacts::BlobStore& blobs) {
  return needs_of(references_of(tx), blobs);
}

Result<StoreNeeds> complete_needs_of(const metadata::Database& database,
                                     const artifacts::BlobStore& blobs) {
  MARTLET_TRY_SET(StoreNeeds needs, needs_of(database, blobs));
  return complete(std::move(needs));
}

Result<StoreNeeds> complete_needs_of(const metadata::ReadTransaction& tx,
                                     const artifacts::BlobStore& blobs) {
  return complete(needs_of(tx, blobs));
}

}  // namespace martlet::lifecycle
