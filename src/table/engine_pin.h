// table/engine_pin.h: the version of DuckDB that this program was built for, known without loading
// the library. A pure function.
#pragma once
#include <string>

namespace martlet::table {

// "1.5.5": recorded with every run, also with those that start no engine. What wrote a dataset
// version is in its provenance, from engine_version().
std::string pinned_engine_version();

}  // namespace martlet::table
