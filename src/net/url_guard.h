// net/url_guard.h: which URLs a user may make this process call (RELIABILITY §6, control 14).
// Webhooks, HTTP sources and event targets come from people who may not read the network that the
// server stands in.
//
// The name is resolved once, every address is judged, and the caller connects to exactly these
// addresses, so that a name cannot change between the look and the call. Pure but for the
// resolution; thread-safe.
#pragma once
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::net {

struct UrlPolicy {
  // Loopback, private, link-local, shared (CGNAT), multicast and reserved addresses, also those
  // wrapped in IPv6.
  enum class Addresses : std::uint8_t { PublicOnly, Any };
  Addresses addresses = Addresses::PublicOnly;
  bool https_only = false;
};

struct CheckedUrl {
  std::string url;     // normalised; never with a user name or password
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case, without brackets
  std::uint16_t port = 0;
  std::vector<std::string> addresses;  // numeric; all of them passed the policy
};

// InvalidArgument: not a URL, another scheme, a user name or password in it. PermissionDenied: an
// address the policy forbids. Unavailable: the name cannot be resolved. Resolution follows the
// system's own time-outs.
Result<CheckedUrl> check_url(std::string_view url, const UrlPolicy& policy);

// Of a numeric IPv4 or IPv6 address; false for anything else.
bool is_public_address(std::string_view address);

}  // namespace martlet::net
