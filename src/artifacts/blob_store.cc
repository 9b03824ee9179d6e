#include "artifacts/blob_store.h"

namespace martlet::artifacts {

Result<Digest> BlobStore::put(std::string_view bytes) {
  MARTLET_TRY_SET(const std::vector<Digest> digests, put_many(std::span(&bytes, 1)));
  return digests.front();
}

Result<void> BlobWriter::begin() {
  if (over_)
    return conflict("writing a blob: it is finished or has failed before; begin again with a new "
                    "writer");
  over_ = true;  // until the call has succeeded
  return {};
}

Result<void> BlobWriter::append(std::string_view bytes) {
  MARTLET_TRY(begin());
  hasher_.update(bytes);
  MARTLET_TRY(write(bytes));
  size_bytes_ += bytes.size();
  over_ = false;
  return {};
}

Result<StoredBlob> BlobWriter::finish() {
  MARTLET_TRY(begin());
  const StoredBlob blob{hasher_.finish(), size_bytes_};
  MARTLET_TRY(settle(blob));
  return blob;
}

Error no_such_blob(const Digest& digest) {
  return Error(ErrorCode::NotFound, "there is no blob " + digest.text() +
                                        " in the store; `martlet verify` lists what refers to it");
}

Error corrupt_blob(const Digest& digest, std::string_view found) {
  return Error(ErrorCode::Corrupt, "blob " + digest.text() + " is damaged: " + std::string(found) +
                                       "; restore it from a backup, or make it again from its "
                                       "inputs (`martlet run --no-cache`)");
}

}  // namespace martlet::artifacts
