// platform/system_random.h: the kernel's random numbers, for tokens, keys and ids. Stateless;
// thread-safe (unlike seeded ones).
#pragma once
#include "base/random.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace martlet::platform {

class SystemRandom : public Random {
 public:
  std::uint64_t next() override;
  // getrandom(2); aborts if the kernel refuses, since going on with weak secrets would be worse.
  void fill(std::span<std::byte> bytes);
};

}  // namespace martlet::platform
