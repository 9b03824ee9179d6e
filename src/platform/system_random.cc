#include "platform/system_random.h"

#include "base/result.h"
#include "platform/internal/posix.h"

#include <sys/random.h>

namespace martlet::platform {

void SystemRandom::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = uninterrupted([&] { return ::getrandom(bytes.data(), bytes.size(), 0); });
    MARTLET_CHECK(got > 0, "the kernel gives no random numbers");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t SystemRandom::next() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

}  // namespace martlet::platform
