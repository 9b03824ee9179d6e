#include "artifacts/open_blob_store.h"

#include "artifacts/directory_blob_store.h"

namespace martlet::artifacts {
namespace {

Result<void> refuse_other_schemes(const std::string& place) {
  const std::size_t colon = place.find("://");
  if (colon == std::string::npos || is_s3_url(place)) return {};
  return invalid_argument("the blobs' place has the scheme " + place.substr(0, colon) +
                          "://; name a directory, or s3://BUCKET/PREFIX");
}

}  // namespace

Result<std::unique_ptr<DurableBlobStore>> open_blob_store(FileSystem& file_system,
                                                          const Clock& clock, Random& random,
                                                          const std::string& place,
                                                          const BlobStoreOptions& options) {
  MARTLET_TRY(refuse_other_schemes(place));
  if (!is_s3_url(place))
    return DirectoryBlobStore::open(file_system, place, options.collection_lock);
  MARTLET_TRY_SET(S3Location location, parse_s3_location(place, options.default_s3_region));
  S3Options s3 = options.s3;
  s3.collection_lock = options.collection_lock;
  return S3BlobStore::open(file_system, clock, random, std::move(location), s3);
}

Result<std::string> blob_place(const std::string& place, const std::string& default_s3_region) {
  MARTLET_TRY(refuse_other_schemes(place));
  if (!is_s3_url(place)) return place;
  MARTLET_TRY_SET(const S3Location location, parse_s3_location(place, default_s3_region));
  return to_text(location);
}

}  // namespace martlet::artifacts
