// artifacts/internal/s3_upload.h: an object that is uploaded, or copied on the server, in parts.
//
// One use, one thread. Aborted when it is destroyed before complete() has succeeded; what a killed
// process leaves open is listed by S3BlobStore::leftovers().
#pragma once
#include "artifacts/internal/s3_client.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace martlet::artifacts {

class S3Upload {
 public:
  // The client must outlive it.
  static Result<std::unique_ptr<S3Upload>> begin(const S3Client& client, std::string key);
  ~S3Upload();
  S3Upload(const S3Upload&) = delete;
  S3Upload& operator=(const S3Upload&) = delete;

  // How large the next part should be: they grow, so that 10,000 of them hold 440 GB from parts of
  // 8 MiB on. Only the last one may be smaller than 5 MiB.
  std::size_t next_part_bytes() const;
  Result<void> add(std::string part);
  // A range of another object of the bucket, copied by the server.
  Result<void> add_copy(const std::string& from_key, std::uint64_t offset, std::uint64_t bytes);
  // The object is there, whole and durable, when it returns.
  Result<void> complete();
  std::uint64_t size_bytes() const { return size_bytes_; }
  const std::string& key() const { return key_; }

 private:
  S3Upload(const S3Client& client, std::string key) : client_(client), key_(std::move(key)) {}
  Result<NamesAndValues> next_query() const;
  void abort() const;

  const S3Client& client_;
  std::string key_;
  std::string id_;
  std::vector<std::string> tags_;  // of the parts, in order
  std::uint64_t size_bytes_ = 0;
  bool open_ = false;  // the server holds parts that nobody sees
};

}  // namespace martlet::artifacts
