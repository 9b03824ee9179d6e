// base/result.h: how a function says that it failed.
//
// A function that can fail for reasons outside the program returns Result<T>. Error carries a code
// (what kind of failure, for the machine), a message for the person who must act, and the findings
// of a check that collects all problems at once. Context is added on the way up with
// with_context(); secrets never enter a message. Values; freely copied; thread-safe as any value
// is.
#pragma once
#include "base/finding.h"

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet {

enum class ErrorCode : std::uint8_t {
  NotFound,
  AlreadyExists,
  Conflict,
  InvalidArgument,
  PermissionDenied,
  Unauthenticated,
  Unavailable,
  DeadlineExceeded,
  Cancelled,
  ResourceExhausted,
  Corrupt,
  Internal,
};

// The code's name in snake case ("not_found"), stable: it appears in JSON.
std::string_view name_of(ErrorCode code);

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  Error(ErrorCode code, std::string message, std::vector<Finding> findings)
      : code_(code), message_(std::move(message)), findings_(std::move(findings)) {}

  ErrorCode code() const { return code_; }
  // The whole message, outermost context first: "running step train: opening model.txt: no such
  // file".
  const std::string& message() const { return message_; }
  // All problems of an input that was checked as a whole; empty for other failures.
  const std::vector<Finding>& findings() const { return findings_; }

  // Prepends "context: " to the message.
  Error with_context(std::string_view context) &&;

 private:
  ErrorCode code_;
  std::string message_;
  std::vector<Finding> findings_;
};

template <class T>
using Result = tl::expected<T, Error>;

// The short way to fail: `return fail(ErrorCode::NotFound, "no run 7; `martlet runs list` shows
// those that exist");`
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error(code, std::move(message)));
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> not_found(std::string message) {
  return fail(ErrorCode::NotFound, std::move(message));
}
inline tl::unexpected<Error> invalid_argument(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}
inline tl::unexpected<Error> conflict(std::string message) {
  return fail(ErrorCode::Conflict, std::move(message));
}
inline tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::Corrupt, std::move(message));
}
inline tl::unexpected<Error> unavailable(std::string message) {
  return fail(ErrorCode::Unavailable, std::move(message));
}
inline tl::unexpected<Error> internal_error(std::string message) {
  return fail(ErrorCode::Internal, std::move(message));
}
// Fails with InvalidArgument and every finding; the message names the subject and lists them, one a
// line.
tl::unexpected<Error> invalid(std::string_view subject, std::vector<Finding> findings);

// Prints to stderr and aborts. Called by MARTLET_CHECK only.
[[noreturn]] void check_failed(const char* condition, const char* message, const char* file,
                               int line);

}  // namespace martlet

#define MARTLET_JOIN_INNER(a, b) a##b
#define MARTLET_JOIN(a, b) MARTLET_JOIN_INNER(a, b)

// Returns the error of a Result<void> (or of any Result whose value isn't needed).
#define MARTLET_TRY(expression)                                                                    \
  MARTLET_TRY_NAMED(MARTLET_JOIN(martlet_result_, __COUNTER__), expression)
#define MARTLET_TRY_NAMED(name, expression)                                                        \
  do {                                                                                             \
    if (auto name = (expression); !name.has_value()) {                                             \
      return ::tl::unexpected<::martlet::Error>(std::move(name).error());                          \
    }                                                                                              \
  } while (false)

// Declares (or assigns) `target` from a Result's value, or returns its error.
#define MARTLET_TRY_SET(target, expression)                                                        \
  MARTLET_TRY_SET_NAMED(MARTLET_JOIN(martlet_result_, __COUNTER__), target, expression)
#define MARTLET_TRY_SET_NAMED(name, target, expression)                                            \
  auto name = (expression);                                                                        \
  if (!name.has_value()) {                                                                         \
    return ::tl::unexpected<::martlet::Error>(std::move(name).error());                            \
  }                                                                                                \
  target = std::move(name).value()

// A broken invariant of the program itself, never of its input. On in release builds.
#define MARTLET_CHECK(condition, message)                                                          \
  (static_cast<bool>(condition)                                                                    \
       ? void(0)                                                                                   \
       : ::martlet::check_failed(#condition, message, __FILE__, __LINE__))
