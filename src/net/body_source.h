// net/body_source.h: what a response is read from when it's too large to be held in memory.
//
// A source belongs to the responses that carry it. The server reads it on threads of its own, one
// read at a time and from the front to the back, a window ahead of what the client has taken; it is
// destroyed on any thread. Implemented by whoever owns the bytes (a blob, a file, an object store).
#pragma once
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace martlet::net {

class BodySource {
 public:
  virtual ~BodySource() = default;
  // Known in advance, and the same all the time: it's the response's Content-Length.
  virtual std::uint64_t size_bytes() const = 0;
  // Reads up to into.size() bytes from `offset` on, at least one; the caller stays within
  // size_bytes(). May block, for HttpLimits::handler_timeout at most. An error, or 0 bytes, ends
  // the response: the client gets a 500, or sees its body cut short when some of it was sent
  // already.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> into) = 0;
};

// Bytes in memory.
std::shared_ptr<BodySource> memory_source(std::string bytes);
// The `size_bytes` bytes of `source` from `offset` on; they must lie within it (checked).
std::shared_ptr<BodySource> slice_of(std::shared_ptr<BodySource> source, std::uint64_t offset,
                                     std::uint64_t size_bytes);

}  // namespace martlet::net
