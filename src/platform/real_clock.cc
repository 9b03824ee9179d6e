#include "platform/real_clock.h"

#include "base/result.h"

#include <algorithm>
#include <thread>

namespace martlet::platform {

Timestamp RealClock::now() const {
  return {std::chrono::duration_cast<std::chrono::microseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

std::chrono::steady_clock::time_point RealClock::monotonic() const {
  return std::chrono::steady_clock::now();
}

Deadline deadline_in(std::chrono::milliseconds after) {
  return {std::chrono::steady_clock::now() + after};
}

bool pause_until(Deadline deadline, const CancelToken& cancel) {
  MARTLET_CHECK(deadline.at.has_value(), "sleeping needs an end");
  constexpr auto kLook = std::chrono::milliseconds(20);
  while (!cancel.cancelled()) {
    const auto left = *deadline.at - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return true;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, kLook));
  }
  return false;
}

}  // namespace martlet::platform
