#include "platform/socket_wait.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <poll.h>

namespace martlet::platform {

bool wait_until_readable(int descriptor, Deadline deadline) {
  constexpr std::int64_t kLongest = 60'000;
  for (;;) {
    std::int64_t left = kLongest;
    if (deadline.at.has_value()) {
      const auto until = std::chrono::ceil<std::chrono::milliseconds>(
          *deadline.at - std::chrono::steady_clock::now());
      left = std::clamp<std::int64_t>(until.count(), 0, kLongest);
    }
    pollfd watched{descriptor, POLLIN, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(left));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    if (ready == 0 && left < kLongest) return false;
  }
}

}  // namespace martlet::platform
