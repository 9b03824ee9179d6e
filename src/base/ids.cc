#include "base/ids.h"

#include <cstdio>

namespace martlet {

std::string new_id(const Clock& clock, Random& random) {
  const auto millis =
      static_cast<unsigned long long>(clock.now().micros / 1000) & 0xFFFFFFFFFFFFull;
  char prefix[16];
  std::snprintf(prefix, sizeof prefix, "%012llx", millis);
  return prefix + random.hex(20);
}

}  // namespace martlet
