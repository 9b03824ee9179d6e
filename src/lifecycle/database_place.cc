#include "lifecycle/database_place.h"

#include "base/text.h"
#include "metadata/place.h"

#include <fmt/format.h>

namespace martlet::lifecycle {

namespace {

std::string path_of(const StorePlace& place) {
  return join_path(place.directory, "metadata.place");
}

}  // namespace

Result<void> refuse_other_database(FileSystem& files, const StorePlace& place) {
  const bool recorded = files.exists(path_of(place));
  std::string theirs;
  if (recorded) {
    MARTLET_TRY_SET(const std::string text, files.read_file(path_of(place)));
    theirs = trim(text);
  }
  if (place.database.empty()) {
    if (!recorded) return {};
    return invalid_argument(fmt::format(
        "opening the store {}: its records are kept by {}; name that server with --store or "
        "MARTLET_STORE",
        place.directory, theirs));
  }
  MARTLET_TRY_SET(const std::string ours, metadata::name_of_place(place.database));
  if (files.exists(join_path(place.directory, "metadata.db"))) {
    return invalid_argument(fmt::format(
        "opening the store {}: the folder {} holds the records of another store, and its blobs; "
        "use the server from another project folder, or move that store away",
        ours, place.directory));
  }
  if (!recorded || theirs == ours) return {};
  return invalid_argument(fmt::format("opening the store {}: the folder {} belongs to the store "
                                      "{}; use another project folder, or, "
                                      "if both names mean the same, remove {}",
                                      ours, place.directory, theirs, path_of(place)));
}

Result<void> record_database(FileSystem& files, const StorePlace& place) {
  if (place.database.empty() || files.exists(path_of(place))) return {};
  MARTLET_TRY_SET(const std::string name, metadata::name_of_place(place.database));
  return files.write_file_durably(path_of(place), name + "\n");
}

}  // namespace martlet::lifecycle
