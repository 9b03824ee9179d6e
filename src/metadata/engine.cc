#include "metadata/engine.h"

#include <sqlite3.h>

namespace martlet::metadata {

std::string engine_version() { return sqlite3_libversion(); }

}  // namespace martlet::metadata
