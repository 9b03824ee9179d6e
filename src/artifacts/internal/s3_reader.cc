// Reading a blob on an S3 server at any offset.
#include "artifacts/internal/s3_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::artifacts {
namespace {

constexpr std::size_t kWindowBytes = 1 << 20;  // fetched at least: readers like small pieces

class S3BlobReader : public BlobReader {
 public:
  // Of the object that `verify` answers with; asked again when that one was replaced.
  S3BlobReader(const S3Client& client, std::string key, S3Object object, std::string window,
               std::function<Result<S3Object>()> verify)
      : client_(client), key_(std::move(key)), object_(std::move(object)),
        window_(std::move(window)), verify_(std::move(verify)) {}

  std::uint64_t size_bytes() const override { return object_.size_bytes; }

  Result<std::string> read_at(std::uint64_t offset, std::size_t size_bytes) const override {
    if (offset >= object_.size_bytes) return std::string();
    const std::uint64_t wanted = std::min<std::uint64_t>(size_bytes, object_.size_bytes - offset);
    std::string bytes;
    while (bytes.size() < wanted) {
      const std::uint64_t at = offset + bytes.size();
      if (at < window_offset_ || at >= window_offset_ + window_.size())
        MARTLET_TRY(fetch(at, wanted - bytes.size()));
      const auto begin = static_cast<std::size_t>(at - window_offset_);
      bytes +=
          std::string_view(window_).substr(begin, static_cast<std::size_t>(wanted - bytes.size()));
    }
    return bytes;
  }

 private:
  // At least one byte at `offset`, which lies in the blob.
  Result<void> fetch(std::uint64_t offset, std::uint64_t wanted) const {
    const std::uint64_t most =
        std::min<std::uint64_t>(object_.size_bytes - offset, client_.options().part_bytes);
    const auto bytes =
        static_cast<std::size_t>(std::min(most, std::max<std::uint64_t>(wanted, kWindowBytes)));
    for (int attempt = 0; attempt < 2; ++attempt) {
      MARTLET_TRY_SET(std::optional<S3Range> range,
                      read_range(client_, key_, offset, bytes, object_.tag));
      if (range.has_value() && !range->bytes.empty()) {
        window_ = std::move(range->bytes);
        window_offset_ = offset;
        return {};
      }
      MARTLET_TRY_SET(object_, verify_());
    }
    return unavailable(fmt::format("{} is stored anew again and again while it is read", key_));
  }

  const S3Client& client_;
  std::string key_;
  mutable S3Object object_;
  mutable std::string window_;
  mutable std::uint64_t window_offset_ = 0;
  std::function<Result<S3Object>()> verify_;
};

}  // namespace

Result<std::unique_ptr<BlobReader>> S3BlobStore::open(const Digest& digest) const {
  const State& state = *state_;
  const std::string key = state.key_of(digest);
  MARTLET_TRY_SET(std::optional<S3Range> first,
                  read_range(state.client, key, 0, state.client.options().part_bytes, ""));
  if (!first.has_value()) return fail(no_such_blob(digest));
  const auto verify = [&state, digest] { return state.verify_once(digest); };
  if (first->bytes.size() == first->object.size_bytes) {
    if (digest_of(std::string_view(first->bytes)) != digest)
      return fail(corrupt_blob(digest, fmt::format("the {} bytes that the server sends have "
                                                   "another digest",
                                                   first->bytes.size())));
    return std::make_unique<S3BlobReader>(state.client, key, first->object, std::move(first->bytes),
                                          verify);
  }
  MARTLET_TRY_SET(S3Object object, state.verify_once(digest));
  return std::make_unique<S3BlobReader>(state.client, key, std::move(object), std::string(),
                                        verify);
}

}  // namespace martlet::artifacts
