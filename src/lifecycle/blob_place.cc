#include "lifecycle/blob_place.h"

#include <fmt/format.h>

#include <optional>

namespace martlet::lifecycle {
namespace {

std::string own_folder(const std::string& directory) { return join_path(directory, "blobs"); }
std::string record_path(const std::string& directory) { return join_path(directory, "blobs.json"); }

// nullopt when the store's blobs lie in its folder, or there is no store yet.
Result<std::optional<std::string>> recorded(FileSystem& files, const std::string& directory) {
  const auto bytes = files.read_file(record_path(directory));
  if (!bytes.has_value()) {
    if (bytes.error().code() == ErrorCode::NotFound) return std::optional<std::string>();
    return fail(bytes.error());
  }
  const auto bad = [&](std::string_view why) {
    return corrupt(fmt::format("{} says where the store's blobs lie, and can't be read: {}; write "
                               "{{\"place\": \"s3://BUCKET/PREFIX?…\"}} into it",
                               record_path(directory), why));
  };
  const auto json = parse_json(*bytes);
  if (!json.has_value()) return bad(json.error().message());
  const auto place = text_member(*json, "place", "blobs.json");
  if (!place.has_value()) return bad(place.error().message());
  return std::optional<std::string>(*place);
}

}  // namespace

Result<std::string> place_of_blobs(FileSystem& files, const std::string& directory,
                                   const BlobAccess& access) {
  MARTLET_TRY_SET(const std::optional<std::string> known, recorded(files, directory));
  if (access.place.empty()) return known.value_or(own_folder(directory));
  if (!artifacts::is_s3_url(access.place))
    return invalid_argument("--blobs is no s3:// URL; blobs on this machine lie in the store's "
                            "folder, which --store names");
  MARTLET_TRY_SET(const std::string wanted, artifacts::blob_place(access.place, access.region));
  if (known.has_value() && *known == wanted) return wanted;
  if (known.has_value())
    return conflict(fmt::format("the blobs of the store {} lie in {}, not in {}; leave out --blobs "
                                "(and MARTLET_BLOBS), or name another store",
                                directory, *known, wanted));
  if (files.exists(join_path(directory, "metadata.db")) ||
      files.exists(join_path(directory, "metadata.place")))
    return conflict(fmt::format("the store {} was made with its blobs in its own folder; leave out "
                                "--blobs (and MARTLET_BLOBS), or name a new store",
                                directory));
  return wanted;
}

artifacts::BlobStoreOptions blob_options(const BlobAccess& access) {
  artifacts::BlobStoreOptions options;
  options.default_s3_region = access.region;
  options.s3.credentials = {access.key_id, access.secret, access.session_token};
  return options;
}

Result<void> record_blob_place(FileSystem& files, const std::string& directory,
                               const std::string& place) {
  if (place == own_folder(directory)) return {};
  const std::string bytes = to_pretty_text(Json{{"place", place}}) + "\n";
  const auto before = files.read_file(record_path(directory));
  if (before.has_value() && *before == bytes) return {};
  return files.write_file_durably(record_path(directory), bytes);
}

}  // namespace martlet::lifecycle
