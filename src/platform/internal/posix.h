// platform/internal/posix.h: the two things every file here needs: a descriptor that closes itself,
// and errno as an Error.
#pragma once
#include "base/result.h"

#include <cerrno>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace martlet::platform {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  void reset() {
    if (number_ >= 0)
      ::close(number_);  // never retried: on Linux the number is free even after EINTR
    number_ = -1;
  }

 private:
  int number_ = -1;
};

// "opening /a/b: No such file or directory (errno 2)", with the code that fits the errno.
Error errno_error(int number, std::string_view action, std::string_view subject);
tl::unexpected<Error> fail_errno(int number, std::string_view action, std::string_view subject);

// Repeats a system call while a signal interrupts it.
template <class Call>
auto uninterrupted(Call&& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

}  // namespace martlet::platform
