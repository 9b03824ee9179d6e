#include "lifecycle/store.h"

#include "artifacts/open_blob_store.h"
#include "base/durable_directory.h"
#include "lifecycle/blob_place.h"
#include "lifecycle/database_place.h"
#include "lifecycle/restore.h"
#include "lifecycle/store_needs.h"
#include "metadata/database.h"
#include "metadata/place.h"
#include "platform/file_lock.h"
#include "platform/system_random.h"

namespace martlet::lifecycle {

namespace {

// Held for microseconds by others; longer only by a process that was stopped.
constexpr auto kCollectionLockTimeout = std::chrono::seconds(10);

class FileHold : public artifacts::CollectionHold {
 public:
  explicit FileHold(platform::FileLock lock) : lock_(std::move(lock)) {}

 private:
  platform::FileLock lock_;
};

artifacts::CollectionLock lock_on(const std::string& path) {
  return
      [path](
          artifacts::CollectionShare share) -> Result<std::unique_ptr<artifacts::CollectionHold>> {
        const Deadline deadline{std::chrono::steady_clock::now() + kCollectionLockTimeout};
        MARTLET_TRY_SET(platform::FileLock lock,
                        share == artifacts::CollectionShare::Alone
                            ? platform::FileLock::acquire(path, deadline, CancelToken())
                            : platform::FileLock::acquire_shared(path, deadline, CancelToken()));
        return std::make_unique<FileHold>(std::move(lock));
      };
}

artifacts::BlobStoreOptions options_of(const std::string& directory, const BlobAccess& access) {
  artifacts::BlobStoreOptions options = blob_options(access);
  options.collection_lock = lock_on(join_path(directory, "collection.lock"));
  return options;
}

}  // namespace

std::string default_store_directory(const std::string& project_directory) {
  return join_path(project_directory, ".martlet");
}

StorePlace store_place(const std::string& named, const std::string& project_directory) {
  if (named.empty()) return {default_store_directory(project_directory)};
  if (metadata::is_postgres_url(named)) return {default_store_directory(project_directory), named};
  return {named};
}

Result<std::unique_ptr<Store>> Store::open(const Host& host, const StorePlace& place,
                                           WhenMissing when_missing, const BlobAccess& access) {
  const std::string& directory = place.directory;
  MARTLET_TRY(refuse_half_restored(host.files, directory));
  MARTLET_TRY(refuse_other_database(host.files, place));
  const std::string database_path = join_path(directory, "metadata.db");
  if (when_missing == WhenMissing::Refuse && place.database.empty() &&
      !host.files.exists(database_path)) {
    return not_found(
        "opening the store " + directory +
        ": there is none; run `martlet run` in the project's folder, or name another with --store");
  }
  const auto open_parts = [&]() -> Result<std::unique_ptr<Store>> {
    MARTLET_TRY_SET(const std::string blobs, place_of_blobs(host.files, directory, access));
    metadata::DatabaseOptions options;
    options.schema = store_schema();
    if (when_missing == WhenMissing::Refuse) options.when_absent = metadata::WhenAbsent::Refuse;
    std::unique_ptr<Store> store(new Store(host, place));  // the constructor is private
    // A server that can't be reached leaves no folder behind.
    if (!place.database.empty()) {
      MARTLET_TRY_SET(store->database_, metadata::Database::open(place.database, options));
    }
    MARTLET_TRY(create_directories_durably(host.files, directory));
    MARTLET_TRY(host.files.create_directories(store->scratch_directory()));
    MARTLET_TRY(host.files.create_directories(store->logs_directory()));
    // Before anything by which the folder counts as a store's: one knows where its blobs lie before
    // it is one, also when the server of the blobs refuses at first.
    MARTLET_TRY_SET(store->blobs_,
                    artifacts::open_blob_store(host.files, host.clock, *store->random_, blobs,
                                               options_of(directory, access)));
    MARTLET_TRY(record_blob_place(host.files, directory, blobs));
    MARTLET_TRY(record_database(host.files, place));
    if (place.database.empty()) {
      MARTLET_TRY_SET(store->database_, metadata::Database::open(database_path, options));
    }
    return store;
  };
  auto store = open_parts();
  if (!store.has_value())
    return fail(std::move(store).error().with_context("opening the store " + directory));
  return store;
}

Store::Store(const Host& host, StorePlace place)
    : host_(host), place_(std::move(place)), random_(std::make_unique<platform::SystemRandom>()) {}
Store::~Store() = default;

artifacts::BlobStore& Store::blobs() const { return *blobs_; }

std::string Store::logs_directory() const { return join_path(place_.directory, "logs"); }
std::string Store::predictions_directory(const std::string& deployment) const {
  return join_path(join_path(place_.directory, "predictions"), deployment);
}
std::string Store::scratch_directory() const { return join_path(place_.directory, "tmp"); }

}  // namespace martlet::lifecycle
