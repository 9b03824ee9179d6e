#include "platform/file_lock.h"

#include "base/text.h"
#include "platform/internal/posix.h"
#include "platform/real_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace martlet::platform {
namespace {

std::string holder_of(const Descriptor& descriptor) {
  std::array<char, 32> buffer{};
  const ssize_t got = ::pread(descriptor.get(), buffer.data(), buffer.size(), 0);
  const std::string_view text =
      trim(std::string_view(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
  const bool digits =
      !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  return digits ? fmt::format("process {}", text) : "another process";
}

}  // namespace

namespace {

// Tries `attempt` until it succeeds, fails for another reason than Conflict, or time is up.
template <class Attempt>
Result<FileLock> attempt_until(const Attempt& attempt, const std::string& path, Deadline deadline,
                               const CancelToken& cancel) {
  for (;;) {
    Result<FileLock> lock = attempt();
    if (lock.has_value() || lock.error().code() != ErrorCode::Conflict) return lock;
    const auto now = std::chrono::steady_clock::now();
    if (deadline.at.has_value() && now >= *deadline.at)
      return fail(ErrorCode::DeadlineExceeded, lock.error().message());
    const auto next = now + std::chrono::milliseconds(20);
    if (!pause_until({deadline.at.has_value() ? std::min(next, *deadline.at) : next}, cancel))
      return fail(ErrorCode::Cancelled, fmt::format("locking {} was cancelled", path));
  }
}

Result<Descriptor> take(const std::string& path, int how) {
  Descriptor descriptor(
      uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666); }));
  if (!descriptor.valid()) return fail_errno(errno, "opening the lock", path);
  if (uninterrupted([&] { return ::flock(descriptor.get(), how | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno(errno, "locking", path);
    return conflict(
        fmt::format("locking {}: {} has it; end that one first, or use another directory", path,
                    holder_of(descriptor)));
  }
  return descriptor;
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::string& path) {
  MARTLET_TRY_SET(Descriptor descriptor, take(path, LOCK_EX));
  const std::string pid = fmt::format("{}\n", ::getpid());
  // Only for the message: a failure to note it is no failure to lock.
  if (::ftruncate(descriptor.get(), 0) == 0)
    (void)!::pwrite(descriptor.get(), pid.data(), pid.size(), 0);
  return FileLock(descriptor.release());
}

Result<FileLock> FileLock::acquire(const std::string& path, Deadline deadline,
                                   const CancelToken& cancel) {
  return attempt_until([&] { return acquire(path); }, path, deadline, cancel);
}

Result<FileLock> FileLock::acquire_shared(const std::string& path, Deadline deadline,
                                          const CancelToken& cancel) {
  const auto attempt = [&]() -> Result<FileLock> {
    MARTLET_TRY_SET(Descriptor descriptor, take(path, LOCK_SH));
    return FileLock(descriptor.release());
  };
  return attempt_until(attempt, path, deadline, cancel);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace martlet::platform
