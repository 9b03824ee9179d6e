// artifacts/s3_location.h: where blobs lie on an S3 server, as its URL says it.
//
//   s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME&style=path|host&ca=FILE]
//
// Never credentials: a URL that holds a user, a password or a key is refused, and no part of it is
// repeated in the message. Values; thread-safe.
#pragma once
#include "base/result.h"

#include <string>
#include <string_view>

namespace martlet::artifacts {

struct S3Location {
  enum class Style : std::uint8_t {
    Path,  // endpoint/bucket/key: what most servers other than AWS want
    Host,  // bucket.endpoint/key
  };
  std::string bucket;
  std::string prefix;    // "" or ends with '/'
  std::string endpoint;  // "https://host[:port]"
  std::string region;
  Style style = Style::Path;
  std::string certificate_authority;  // a PEM file instead of the system's; "": the system's
};

bool is_s3_url(std::string_view text);  // begins with "s3://"

// `default_region` is taken where the URL names none; without both, the region is us-east-1 when
// there is an endpoint (servers other than AWS mostly don't look at it), and a finding when there
// is none. Without an endpoint it is AWS's of the region. InvalidArgument with every finding.
Result<S3Location> parse_s3_location(std::string_view url, std::string_view default_region = "");

// In one spelling, with everything that was left out; parses to the same location.
std::string to_text(const S3Location& location);

}  // namespace martlet::artifacts
