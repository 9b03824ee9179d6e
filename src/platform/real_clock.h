// platform/real_clock.h: the machine's own clocks, and the one place that sleeps. Stateless;
// thread-safe.
#pragma once
#include "base/cancel.h"
#include "base/clock.h"

namespace martlet::platform {

class RealClock : public Clock {
 public:
  Timestamp now() const override;
  std::chrono::steady_clock::time_point monotonic() const override;
};

// A moment of the monotonic clock, `after` from now.
Deadline deadline_in(std::chrono::milliseconds after);

// Until the deadline (which must not be none), or until the token is cancelled (looked at every 20
// ms). True when it slept to the end.
bool pause_until(Deadline deadline, const CancelToken& cancel);

}  // namespace martlet::platform
