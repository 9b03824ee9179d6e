// tracking/internal/name.h: what experiments, runs and logged models may be called.
#pragma once
#include "base/text.h"

#include <cstddef>
#include <string_view>

namespace martlet::tracking {

// MLflow's limit for experiments. At most 2,000 bytes: an index row of PostgreSQL holds 2,704.
inline constexpr std::size_t kMaxNameCharacters = 500;

inline bool is_short_text(std::string_view text) {
  return is_valid_utf8(text) && character_count(text) <= kMaxNameCharacters;
}
inline bool is_name(std::string_view text) { return !text.empty() && is_short_text(text); }

}  // namespace martlet::tracking
