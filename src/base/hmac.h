// base/hmac.h: keyed digests (RFC 2104) with SHA-256: what requests to others are signed with. Free
// functions; thread-safe.
#pragma once
#include "base/digest.h"

#include <string_view>

namespace martlet {

Digest hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace martlet
