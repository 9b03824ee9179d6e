// platform/socket_wait.h: waiting for a descriptor that a library owns, with a deadline. Pure; any
// thread.
#pragma once
#include "base/cancel.h"

namespace martlet::platform {

// True when something can be read from it (or it has failed, which reading then tells); false when
// the deadline passed first.
bool wait_until_readable(int descriptor, Deadline deadline);

}  // namespace martlet::platform
