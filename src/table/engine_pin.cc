#include "table/engine_pin.h"

namespace martlet::table {

std::string pinned_engine_version() { return MARTLET_DUCKDB_VERSION; }

}  // namespace martlet::table
