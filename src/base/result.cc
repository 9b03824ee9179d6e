#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace martlet {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::NotFound: return "not_found";
    case ErrorCode::AlreadyExists: return "already_exists";
    case ErrorCode::Conflict: return "conflict";
    case ErrorCode::InvalidArgument: return "invalid_argument";
    case ErrorCode::PermissionDenied: return "permission_denied";
    case ErrorCode::Unauthenticated: return "unauthenticated";
    case ErrorCode::Unavailable: return "unavailable";
    case ErrorCode::DeadlineExceeded: return "deadline_exceeded";
    case ErrorCode::Cancelled: return "cancelled";
    case ErrorCode::ResourceExhausted: return "resource_exhausted";
    case ErrorCode::Corrupt: return "corrupt";
    case ErrorCode::Internal: return "internal";
  }
  return "internal";
}

Error Error::with_context(std::string_view context) && {
  std::string whole(context);
  whole += ": ";
  whole += message_;
  return Error(code_, std::move(whole), std::move(findings_));
}

std::string to_text(const Finding& finding) {
  std::string text;
  if (!finding.file.empty()) {
    text += finding.file;
    text += ':';
  }
  if (finding.line > 0) {
    text += std::to_string(finding.line) + ':' + std::to_string(finding.column) + ':';
  }
  if (!text.empty()) text += ' ';
  if (!finding.path.empty()) {
    text += finding.path;
    text += ": ";
  }
  return text + finding.message;
}

tl::unexpected<Error> invalid(std::string_view subject, std::vector<Finding> findings) {
  std::string message(subject);
  message +=
      findings.size() == 1 ? ": 1 problem" : ": " + std::to_string(findings.size()) + " problems";
  for (const Finding& finding : findings) {
    message += "\n  ";
    message += to_text(finding);
  }
  return tl::unexpected<Error>(
      Error(ErrorCode::InvalidArgument, std::move(message), std::move(findings)));
}

void check_failed(const char* condition, const char* message, const char* file, int line) {
  std::fprintf(stderr, "martlet: internal error at %s:%d: %s (%s); please report it\n", file, line,
               message, condition);
  std::abort();
}

}  // namespace martlet
