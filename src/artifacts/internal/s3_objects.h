// artifacts/internal/s3_objects.h: objects of one bucket by their keys: look, read, write, copy,
// list, remove. Between S3Client, which knows requests, and S3BlobStore, which knows blobs. Free
// functions; thread-safe as the client is.
#pragma once
#include "artifacts/internal/s3_client.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace martlet::artifacts {

struct S3Object {
  std::uint64_t size_bytes = 0;
  std::string tag;  // its ETag
  std::optional<Timestamp> modified;
};

// nullopt when there is none.
Result<std::optional<S3Object>> look_at(const S3Client& client, const std::string& key);

// Bytes from `offset` on, at most `bytes` >= 1; of the object with this tag only, unless it is "".
// nullopt when there is none, or another one by now.
struct S3Range {
  std::string bytes;
  S3Object object;
};
Result<std::optional<S3Range>> read_range(const S3Client& client, const std::string& key,
                                          std::uint64_t offset, std::size_t bytes,
                                          const std::string& tag);

enum class PutWhen : std::uint8_t { Absent, Always };
enum class PutOutcome : std::uint8_t { Stored, PresentBefore, NoConditions };
// In one request. With Absent it is PresentBefore, and nothing changed, when there is one; and
// NoConditions when the server can't tell.
Result<PutOutcome> put_object(const S3Client& client, const std::string& key,
                              std::string_view bytes, const Digest& digest, PutWhen when);

// Copied by the server, onto itself too: then only its time changes. False when there is none, or
// when the server left the time as it was.
Result<bool> copy_object(const S3Client& client, const std::string& from, const std::string& to,
                         std::uint64_t size_bytes);

// Fine when absent. `patience` instead of the options'.
Result<void> remove_object(const S3Client& client, const std::string& key,
                           std::optional<std::chrono::milliseconds> patience = {});
Result<void> abort_upload(const S3Client& client, const std::string& key, const std::string& id);

struct S3Entry {
  std::string key;
  std::string upload_id;  // of an open upload; else ""
  std::uint64_t size_bytes = 0;
  std::optional<Timestamp> modified;
};
// Every object, or every open upload, whose key begins so.
Result<std::vector<S3Entry>> list_objects(const S3Client& client, const std::string& prefix);
Result<std::vector<S3Entry>> list_uploads(const S3Client& client, const std::string& prefix);

}  // namespace martlet::artifacts
