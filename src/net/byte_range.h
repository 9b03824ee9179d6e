// net/byte_range.h: parts of a content, and contents that the client has already (RFC 9110 §13,
// §14).
//
// Pure functions; called by whoever answers GET with stored bytes.
#pragma once
#include "net/body_source.h"
#include "net/http_message.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::net {

// Offset of the first byte and number of bytes, at least one.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
  bool operator==(const ByteRange&) const = default;
};

struct RangeRequest {
  enum class Kind : std::uint8_t {
    Whole,          // no Range, one that means nothing to us, or several ranges
    Part,           // `range`, cut to what there is
    Unsatisfiable,  // nothing of it exists: 416
  };
  Kind kind = Kind::Whole;
  ByteRange range;
};

// What a Range header's value asks of a content of that size. "bytes=0-99", "bytes=100-",
// "bytes=-100". What is malformed or of another unit is ignored, as RFC 9110 §14.2 says; so are
// several ranges, which it allows.
RangeRequest parse_range(std::string_view value, std::uint64_t size_bytes);

// Whether If-None-Match or If-Match's list ("*", or tags with commas between) names the tag; weakly
// compared (RFC 9110 §8.8.3.2).
bool names_tag(std::string_view list, std::string_view etag);

// The text in quotes, as headers carry it; for digests and other plain words (checked).
std::string entity_tag(std::string_view opaque);

struct Content {
  std::shared_ptr<BodySource> source;
  std::string content_type = "application/octet-stream";
  // With its quotes, as entity_tag() gives it, and a strong one: the same tag means the same bytes.
  // "" when there's none: then neither If-None-Match nor If-Range can hold.
  std::string etag = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // of 200, 206 and 304 alike
};

// The answer to GET or HEAD for this content: 304 when the client has it already, 206 with the part
// it asked for, 416 when there's no such part, else 200 with all of it.
Response content_response(const Request& request, Content content);

}  // namespace martlet::net
