#include "lifecycle/store.h"

#include "artifacts/directory_blob_store.h"
#include "base/durable_directory.h"
#include "data/version_store.h"
#include "metadata/database.h"
#include "monitoring/records.h"
#include "registry/schema.h"
#include "tracking/schema.h"
#include "workflow/records.h"

namespace martlet::lifecycle {

std::string default_store_directory(const std::string& project_directory) {
  return join_path(project_directory, ".martlet");
}

Result<std::unique_ptr<Store>> Store::open(const Host& host, const std::string& directory,
                                           WhenMissing when_missing) {
  const std::string database_path = join_path(directory, "metadata.db");
  if (when_missing == WhenMissing::Refuse && !host.files.exists(database_path)) {
    return not_found(
        "opening the store " + directory +
        ": there is none; run `martlet run` in the project's folder, or name another with --store");
  }
  const auto open_parts = [&]() -> Result<std::unique_ptr<Store>> {
    MARTLET_TRY(create_directories_durably(host.files, directory));
    std::unique_ptr<Store> store(new Store(host, directory));  // the constructor is private
    MARTLET_TRY(host.files.create_directories(store->scratch_directory()));
    MARTLET_TRY(host.files.create_directories(store->logs_directory()));
    metadata::DatabaseOptions options;
    options.schema = {data::data_schema(), tracking::tracking_schema(), registry::registry_schema(),
                      workflow::workflow_schema(), monitoring::monitoring_schema()};
    MARTLET_TRY_SET(store->database_, metadata::Database::open(database_path, options));
    MARTLET_TRY_SET(store->blobs_,
                    artifacts::DirectoryBlobStore::open(host.files, join_path(directory, "blobs")));
    return store;
  };
  auto store = open_parts();
  if (!store.has_value())
    return fail(std::move(store).error().with_context("opening the store " + directory));
  return store;
}

Store::Store(const Host& host, std::string directory)
    : host_(host), directory_(std::move(directory)) {}
Store::~Store() = default;

std::string Store::logs_directory() const { return join_path(directory_, "logs"); }
std::string Store::predictions_directory(const std::string& deployment) const {
  return join_path(join_path(directory_, "predictions"), deployment);
}
std::string Store::scratch_directory() const { return join_path(directory_, "tmp"); }

}  // namespace martlet::lifecycle
