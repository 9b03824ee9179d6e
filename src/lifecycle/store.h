// lifecycle/store.h: an open store: the metadata database, the blobs and the folders beside them
// (DESIGN §4).
//
// <directory>/metadata.db, blobs/, logs/, predictions/, tmp/. The blobs may lie on an S3 server
// instead: then blobs.json says where. The records may be kept by a PostgreSQL server: then
// metadata.place says by which. One per process; thread-safe. Everything above is handed references
// into it.
#pragma once
#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

#include <memory>
#include <string>
#include <utility>

namespace martlet::metadata {
class Database;
}
namespace martlet::artifacts {
class BlobStore;
class DurableBlobStore;
}  // namespace martlet::artifacts
namespace martlet::platform {
class ThreadPool;
}

namespace martlet::lifecycle {

// What a process gives to everything it builds: made once in main (or in a test, with fakes).
struct Host {
  FileSystem& files;
  const Clock& clock;
  Random& random;
  Log& log;
  platform::ThreadPool& pool;  // for heavy computation
  std::string version;         // of the program
  std::string code_version;    // a digest-like text that changes with the program
};

enum class WhenMissing : std::uint8_t { Create, Refuse };

// Where a store's blobs lie, and who may reach them.
struct BlobAccess {
  // s3://BUCKET/PREFIX?endpoint=…&region=…, for a store that is made by this call; an existing one
  // knows. "": in the store's folder.
  std::string place;
  // For S3 only; never kept.
  std::string key_id;
  Secret secret;
  Secret session_token;
  std::string region;  // where the place names none
};

struct StorePlace {
  std::string directory;
  std::string database;  // a PostgreSQL URL (metadata/place.h), with what it takes to be let in;
                         // "": metadata.db in the directory

  StorePlace(std::string in_directory)
      : directory(std::move(in_directory)) {}  // NOLINT(google-explicit-constructor): the usual one
  StorePlace(std::string with_directory, std::string with_database)
      : directory(std::move(with_directory)), database(std::move(with_database)) {}
};

class Store {
 public:
  // NotFound when it is missing and may not be made; InvalidArgument when the directory belongs to
  // a store with another database; Conflict when its blobs lie elsewhere than `access` says; else
  // as metadata::Database::open and artifacts::open_blob_store.
  static Result<std::unique_ptr<Store>> open(const Host& host, const StorePlace& place,
                                             WhenMissing when_missing,
                                             const BlobAccess& access = {});
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const Host& host() const { return host_; }
  metadata::Database& database() const { return *database_; }
  artifacts::BlobStore& blobs() const;
  // As verify, gc and backup see them.
  artifacts::DurableBlobStore& durable_blobs() const { return *blobs_; }
  const std::string& directory() const { return place_.directory; }
  const StorePlace& place() const { return place_; }
  std::string logs_directory() const;
  std::string predictions_directory(const std::string& deployment) const;
  std::string scratch_directory() const;  // exists

 private:
  Store(const Host& host, StorePlace place);
  Host host_;
  StorePlace place_;
  std::unique_ptr<Random> random_;  // the system's: of names that other hosts must not choose too
  std::unique_ptr<metadata::Database> database_;
  std::unique_ptr<artifacts::DurableBlobStore> blobs_;
};

// "<directory of the project file>/.martlet", unless the caller names another one.
std::string default_store_directory(const std::string& project_directory);
// What a person named: nothing, another directory, or a PostgreSQL URL, whose store has its files
// in the default directory.
StorePlace store_place(const std::string& named, const std::string& project_directory);

}  // namespace martlet::lifecycle
