#include "net/body_source.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace martlet::net {
namespace {

class MemorySource : public BodySource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size_bytes() const override { return bytes_.size(); }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    const std::size_t at = std::min<std::uint64_t>(offset, bytes_.size());
    const std::size_t part = std::min(into.size(), bytes_.size() - at);
    std::memcpy(into.data(), bytes_.data() + at, part);
    return part;
  }

 private:
  std::string bytes_;
};

class Slice : public BodySource {
 public:
  Slice(std::shared_ptr<BodySource> source, std::uint64_t offset, std::uint64_t size_bytes)
      : source_(std::move(source)), offset_(offset), size_bytes_(size_bytes) {}
  std::uint64_t size_bytes() const override { return size_bytes_; }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    const std::uint64_t left = size_bytes_ - std::min(offset, size_bytes_);
    if (left < into.size()) into = into.first(static_cast<std::size_t>(left));
    return source_->read(offset_ + offset, into);
  }

 private:
  std::shared_ptr<BodySource> source_;
  std::uint64_t offset_;
  std::uint64_t size_bytes_;
};

}  // namespace

std::shared_ptr<BodySource> memory_source(std::string bytes) {
  return std::make_shared<MemorySource>(std::move(bytes));
}

std::shared_ptr<BodySource> slice_of(std::shared_ptr<BodySource> source, std::uint64_t offset,
                                     std::uint64_t size_bytes) {
  MARTLET_CHECK(source != nullptr && offset <= source->size_bytes() &&
                    size_bytes <= source->size_bytes() - offset,
                "a slice lies within its source");
  return std::make_shared<Slice>(std::move(source), offset, size_bytes);
}

}  // namespace martlet::net
