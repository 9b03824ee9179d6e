#include "lifecycle/migrate_target.h"

#include "artifacts/open_blob_store.h"
#include "lifecycle/blob_place.h"
#include "lifecycle/database_place.h"
#include "lifecycle/restore.h"
#include "lifecycle/store_needs.h"
#include "metadata/database.h"
#include "metadata/place.h"
#include "metadata/store_copy.h"
#include "platform/real_file_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

namespace martlet::lifecycle {

namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr std::string_view kDatabase = "/metadata.db";
constexpr std::size_t kMaxTables = 6;  // named in a message

// What a store's folder holds, whole or begun.
constexpr std::array<std::string_view, 10> kOurs{
    "blobs",        "logs",         "predictions",     "tmp",          "metadata.",
    "garbage.lock", "migrate.lock", "collection.lock", "restore.lock", "reproductions"};

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool is_same_folder(FileSystem& files, const std::string& left, const std::string& right) {
  if (left == right) return true;
  const auto ours = files.status(left);
  const auto theirs = files.status(right);
  return ours.has_value() && theirs.has_value() && ours->inode == theirs->inode &&
         ours->device == theirs->device;
}

std::string folder_of(std::string records) {
  if (records.starts_with(kSqlite)) records.erase(0, kSqlite.size());
  records = without_slash(std::move(records));
  if (records.ends_with(kDatabase)) records.resize(records.size() - kDatabase.size());
  return records;
}

// Relative paths are from where the command is called.
Result<StorePlace> named(const Store& source, const MigrateTarget& target) {
  if (target.records.empty())
    return invalid_argument("--to names nothing; give a folder or a PostgreSQL URL");
  if (metadata::is_postgres_url(target.records)) {
    MARTLET_TRY(metadata::name_of_place(target.records));
    return StorePlace(target.files.empty() ? source.directory() + ".migrated"
                                           : without_slash(target.files),
                      target.records);
  }
  if (!target.files.empty())
    return invalid_argument("--files is for records that a PostgreSQL server keeps; a store in a "
                            "folder has its files there");
  const std::string folder = folder_of(target.records);
  if (folder.empty() || folder.find("://") != std::string::npos)
    return invalid_argument("--to is neither a folder nor a postgres:// URL");
  return StorePlace(folder);
}

// Those that say most to people come first.
std::vector<std::string> by_interest(std::vector<std::string> tables) {
  constexpr std::array<std::string_view, 6> kFirst{"runs",           "experiments",
                                                   "model_versions", "registered_models",
                                                   "pipeline_runs",  "dataset_versions"};
  const auto rank = [&](const std::string& table) {
    return std::find(kFirst.begin(), kFirst.end(), table) - kFirst.begin();
  };
  std::stable_sort(tables.begin(), tables.end(),
                   [&](const auto& left, const auto& right) { return rank(left) < rank(right); });
  return tables;
}

// "runs, experiments and 3 more tables"; each by `word`.
std::string list_text(const std::vector<std::string>& tables,
                      const std::function<std::string(const std::string&)>& word) {
  std::string text;
  const std::size_t named_tables = std::min(tables.size(), kMaxTables);
  for (std::size_t i = 0; i < named_tables; ++i) text += (i == 0 ? "" : ", ") + word(tables[i]);
  if (tables.size() > named_tables)
    text += fmt::format(" and {} more tables", tables.size() - named_tables);
  return text;
}

// A store isn't made wholly empty: MLflow's default experiment is there from the beginning.
Result<metadata::TableSums> sums_of_new(const Store& source) {
  MARTLET_TRY_SET(const platform::TemporaryDirectory folder,
                  platform::TemporaryDirectory::create(source.scratch_directory(), "migrate-"));
  metadata::DatabaseOptions options;
  options.schema = store_schema();
  MARTLET_TRY_SET(const std::unique_ptr<metadata::Database> made,
                  metadata::Database::open(join_path(folder.path(), "metadata.db"), options));
  return made->read([](const metadata::ReadTransaction& tx) { return metadata::sum_tables(tx); });
}

}  // namespace

Result<StorePlace> place_of_target(const Store& source, const MigrateTarget& target) {
  MARTLET_TRY_SET(StorePlace place, named(source, target));
  const StorePlace& ours = source.place();
  if (is_same_folder(source.host().files, ours.directory, place.directory))
    return invalid_argument(fmt::format("the folder {} is the store's own that is to be migrated; "
                                        "name another one",
                                        place.directory));
  if (place.database.empty() || ours.database.empty()) return place;
  MARTLET_TRY_SET(const std::string our_name, metadata::name_of_place(ours.database));
  MARTLET_TRY_SET(const std::string their_name, metadata::name_of_place(place.database));
  if (our_name == their_name)
    return invalid_argument(
        fmt::format("{} is the store's own database; name another one, or another schema with "
                    "schema=",
                    their_name));
  return place;
}

Result<void> refuse_other_folder(FileSystem& files, const std::string& directory) {
  const auto names = files.list(directory);
  if (!names.has_value()) {
    if (names.error().code() == ErrorCode::NotFound) return {};
    return fail(names.error());
  }
  if (files.exists(join_path(directory, "metadata.db")) ||
      files.exists(join_path(directory, "metadata.place")))
    return {};
  const auto other = std::find_if(names->begin(), names->end(), [](const std::string& name) {
    return std::none_of(kOurs.begin(), kOurs.end(),
                        [&](std::string_view ours) { return name.starts_with(ours); });
  });
  if (other == names->end()) return {};
  return fail(ErrorCode::AlreadyExists,
              fmt::format("the folder {} holds something that is no store ({}); name a new one",
                          directory, *other));
}

StorePlaces places_of(const StorePlace& place, const std::string& blobs) {
  StorePlaces named_places;
  named_places.files = place.directory;
  named_places.blobs = blobs;
  named_places.records =
      place.database.empty()
          ? join_path(place.directory, "metadata.db")
          : metadata::name_of_place(place.database).value_or("a PostgreSQL server");
  return named_places;
}

bool TargetState::is_empty() const {
  return std::all_of(tables.begin(), tables.end(), [&](const auto& entry) {
    const auto made_with = of_new.find(entry.first);
    return entry.second.rows == 0 ||
           (made_with != of_new.end() && made_with->second == entry.second);
  });
}

std::vector<std::string> TargetState::written_since() const {
  std::vector<std::string> changed;
  for (const auto& [table, sum] : tables) {
    metadata::TableSum before;
    // A table that this martlet has added since the copy was empty then.
    const bool known = as_copied.has_value() && as_copied->contains(table);
    if (known) before = as_copied->at(table);
    if (known ? before != sum : sum.rows > 0) changed.push_back(table);
  }
  return changed;
}

Result<TargetState> state_of(const Store& source, const metadata::Database& target,
                             const metadata::BetweenPages& between) {
  MARTLET_TRY_SET(const metadata::TableSums of_new, sums_of_new(source));
  return target.read([&](const metadata::ReadTransaction& tx) -> Result<TargetState> {
    TargetState state;
    state.of_new = of_new;
    MARTLET_TRY_SET(state.tables, metadata::sum_tables(tx, between));
    MARTLET_TRY_SET(state.identity, metadata::store_identity(tx));
    MARTLET_TRY_SET(const std::optional<metadata::StoreCopyRecord> copy, metadata::last_copy(tx));
    if (copy.has_value() && copy->at.micros != 0) {
      MARTLET_TRY_SET(state.as_copied, metadata::parse_table_sums(copy->tables));
    }
    return state;
  });
}

Result<void> refuse_other_store(const TargetState& state, const std::string& identity,
                                const std::string& name) {
  if (state.is_empty() || (!identity.empty() && state.identity == identity)) return {};
  std::vector<std::string> filled;
  for (const auto& [table, sum] : state.tables) {
    if (sum.rows > 0) filled.push_back(table);
  }
  const auto word = [&](const std::string& table) {
    return fmt::format("{} in {}", state.tables.at(table).rows, table);
  };
  return fail(ErrorCode::AlreadyExists,
              fmt::format("{} holds another store's records: {}; name an empty place (for "
                          "PostgreSQL another schema with schema=), or remove what is there",
                          name, list_text(by_interest(std::move(filled)), word)));
}

Result<void> refuse_written_since(const TargetState& state, const std::string& name) {
  if (state.is_empty()) return {};
  const std::vector<std::string> changed = by_interest(state.written_since());
  if (changed.empty()) return {};
  const std::string list = list_text(changed, [](const std::string& table) { return table; });
  return conflict(
      state.as_copied.has_value()
          ? fmt::format(
                "{} was written to since this store was migrated there ({}), which would be "
                "lost; use it as it is, or say --overwrite to make it like this one again",
                name, list)
          : fmt::format("{} holds this same store, but not as a migration left it ({}); if it may "
                        "be made like this one, say --overwrite",
                        name, list));
}

Result<TargetLook> look_at(const Host& host, const StorePlace& place, const BlobAccess& access) {
  TargetLook look;
  MARTLET_TRY(refuse_half_restored(host.files, place.directory));
  MARTLET_TRY(refuse_other_database(host.files, place));
  MARTLET_TRY_SET(look.blob_place, place_of_blobs(host.files, place.directory, access));
  metadata::DatabaseOptions options;
  options.schema = store_schema();
  options.when_absent = metadata::WhenAbsent::Refuse;
  const std::string file = join_path(place.directory, "metadata.db");
  if (!place.database.empty() || host.files.exists(file)) {
    auto opened = metadata::Database::open(place.database.empty() ? file : place.database, options);
    if (!opened.has_value() && opened.error().code() != ErrorCode::NotFound)
      return fail(std::move(opened).error());
    if (opened.has_value()) look.database = std::move(*opened);
  }
  if (artifacts::is_s3_url(look.blob_place) || host.files.exists(look.blob_place)) {
    MARTLET_TRY_SET(look.blobs, artifacts::open_blob_store(host.files, host.clock, host.random,
                                                           look.blob_place, blob_options(access)));
  }
  return look;
}

}  // namespace martlet::lifecycle
