// lifecycle/migrate_target.h: where a store is migrated to, and whether it may be. Free functions;
// caller: migrate.
#pragma once
#include "base/result.h"
#include "lifecycle/migrate.h"
#include "metadata/table_copy.h"

#include <memory>
#include <optional>
#include <string>

namespace martlet::lifecycle {

// Of records and files. InvalidArgument when it can't be told, or is the source's.
Result<StorePlace> place_of_target(const Store& source, const MigrateTarget& target);

// AlreadyExists when the folder holds something that no store has.
Result<void> refuse_other_folder(FileSystem& files, const std::string& directory);

StorePlaces places_of(const StorePlace& place, const std::string& blobs);

// What a target is known by before anything is written to it.
struct TargetState {
  metadata::TableSums tables;
  std::string identity;
  std::optional<metadata::TableSums> as_copied;  // as the last complete copy left them
  metadata::TableSums of_new;                    // what a store is made with

  bool is_empty() const;
  std::vector<std::string> written_since() const;  // tables
};
// `source` gives the room for a store that is made for comparison.
Result<TargetState> state_of(const Store& source, const metadata::Database& target,
                             const metadata::BetweenPages& between);

// AlreadyExists when it holds another store's records.
Result<void> refuse_other_store(const TargetState& state, const std::string& identity,
                                const std::string& name);
// Conflict when it is no copy as a migration left it.
Result<void> refuse_written_since(const TargetState& state, const std::string& name);

// Of a target that is only looked at: nothing is made. Null where there is none yet.
struct TargetLook {
  std::unique_ptr<metadata::Database> database;
  std::unique_ptr<artifacts::DurableBlobStore> blobs;
  std::string blob_place;
};
Result<TargetLook> look_at(const Host& host, const StorePlace& place, const BlobAccess& access);

}  // namespace martlet::lifecycle
