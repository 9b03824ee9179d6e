#include "platform/signals.h"

#include "platform/internal/posix.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace martlet::platform {

struct SignalWaiter::State {
  Descriptor signals;
  Descriptor wakes;
  sigset_t set{};
};

SignalWaiter::SignalWaiter(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<SignalWaiter>> SignalWaiter::create(std::vector<int> signals) {
  if (signals.empty()) signals = {SIGTERM, SIGINT};
  auto state = std::make_unique<State>();
  ::sigemptyset(&state->set);
  for (const int number : signals)
    if (::sigaddset(&state->set, number) != 0)
      return fail_errno(errno, "waiting for", "a signal of that number");
  if (const int number = ::pthread_sigmask(SIG_BLOCK, &state->set, nullptr); number != 0)
    return fail_errno(number, "blocking", "signals");
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
  state->signals = Descriptor(::signalfd(-1, &state->set, SFD_CLOEXEC | SFD_NONBLOCK));
  state->wakes = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state->signals.valid() || !state->wakes.valid())
    return fail_errno(errno, "waiting for", "signals");
  return std::unique_ptr<SignalWaiter>(new SignalWaiter(std::move(state)));
}

SignalWaiter::~SignalWaiter() { ::pthread_sigmask(SIG_UNBLOCK, &state_->set, nullptr); }

std::optional<int> SignalWaiter::wait(Deadline deadline, const CancelToken* cancel) {
  constexpr std::int64_t kLookMs = 50;
  for (;;) {
    if (cancel != nullptr && cancel->cancelled()) return std::nullopt;
    std::int64_t patience = cancel != nullptr ? kLookMs : -1;
    if (deadline.at.has_value()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
                            *deadline.at - std::chrono::steady_clock::now())
                            .count();
      if (left <= 0) return std::nullopt;
      patience = patience < 0 ? std::min<std::int64_t>(left, 1'000'000)
                              : std::min<std::int64_t>(left, patience);
    }
    std::array<pollfd, 2> watched{};
    watched[0] = {state_->signals.get(), POLLIN, 0};
    watched[1] = {state_->wakes.get(), POLLIN, 0};
    if (::poll(watched.data(), watched.size(), static_cast<int>(patience)) <= 0) continue;
    signalfd_siginfo info{};
    if (::read(state_->signals.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info)))
      return static_cast<int>(info.ssi_signo);
    std::uint64_t count = 0;
    if (::read(state_->wakes.get(), &count, sizeof(count)) == static_cast<ssize_t>(sizeof(count)))
      return std::nullopt;
  }
}

void SignalWaiter::wake() {
  const std::uint64_t one = 1;
  (void)!::write(state_->wakes.get(), &one, sizeof(one));
}

}  // namespace martlet::platform
