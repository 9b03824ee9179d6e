// platform/signals.h: termination requests as something to wait for, instead of code that runs at
// any moment.
//
// Make it in main before any thread is started (new threads inherit the blocked signals); one per
// process; wait() is for one thread, wake() for any. Children started by process.h get a clean
// signal mask.
#pragma once
#include "base/cancel.h"
#include "base/result.h"

#include <memory>
#include <optional>
#include <vector>

namespace martlet::platform {

class SignalWaiter {
 public:
  // Blocks these signals (default: SIGTERM and SIGINT) in the calling thread, and ignores SIGPIPE
  // in the process.
  static Result<std::unique_ptr<SignalWaiter>> create(std::vector<int> signals = {});
  ~SignalWaiter();  // unblocks them in the calling thread
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  // The number of the signal that came; nullopt at the deadline, when cancelled (seen within 50
  // ms), or after wake(). Without deadline and signals it uses no CPU only when `cancel` is null:
  // pass a token only when somebody cancels it.
  std::optional<int> wait(Deadline deadline, const CancelToken* cancel = nullptr);
  void wake();

 private:
  struct State;
  explicit SignalWaiter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace martlet::platform
