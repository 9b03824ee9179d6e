// metadata/engine.h: which library keeps the records. A pure function.
#pragma once
#include <string>

namespace martlet::metadata {

// SQLite's version ("3.54.1"): recorded in runs.
std::string engine_version();

}  // namespace martlet::metadata
