// base/quantity.h: numbers with units as people write them in martlet.yaml (DESIGN §3).
#pragma once
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace martlet {

// "512MiB", "2GiB", "10kB", "4096": bytes. InvalidArgument otherwise.
Result<std::int64_t> parse_size(std::string_view text);
// "30%" or "0.3": a share in [0, 1]. InvalidArgument otherwise.
Result<double> parse_share(std::string_view text);
// The whole text as a finite number (strtod's grammar without hex, "nan" and "inf").
Result<double> parse_number(std::string_view text);
// The whole text as a 64-bit integer.
Result<std::int64_t> parse_integer(std::string_view text);
// "1.2 MiB", for people.
std::string size_text(std::int64_t bytes);

}  // namespace martlet
