#include "platform/internal/posix.h"

#include <fmt/format.h>

#include <cstring>
#include <system_error>

namespace martlet::platform {
namespace {

ErrorCode code_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR: return ErrorCode::NotFound;
    case EEXIST:
    case ENOTEMPTY: return ErrorCode::AlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::PermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG: return ErrorCode::ResourceExhausted;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR: return ErrorCode::InvalidArgument;
    default: return ErrorCode::Unavailable;
  }
}

std::string_view advice_for(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT: return "; free some space and try again";
    case EACCES:
    case EPERM: return "; check the owner and mode of the path and of the directories above it";
    case EROFS: return "; the file system is mounted read-only";
    case EMFILE: return "; raise the limit on open files (ulimit -n)";
    default: return "";
  }
}

}  // namespace

Error errno_error(int number, std::string_view action, std::string_view subject) {
  return {code_of(number),
          fmt::format("{} {}: {}{}", action, subject, std::generic_category().message(number),
                      advice_for(number))};
}

tl::unexpected<Error> fail_errno(int number, std::string_view action, std::string_view subject) {
  return fail(errno_error(number, action, subject));
}

}  // namespace martlet::platform
