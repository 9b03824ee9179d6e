#include "table/internal/duckdb_library.h"

#include "base/file_system.h"
#include "platform/process.h"

#include <dlfcn.h>

namespace martlet::table {

namespace {

// Beside the program, where the build and every bundle put it; else wherever the loader looks.
void* open_library(std::string& why) {
  if (const auto program = platform::self_executable(); program.has_value()) {
    const std::string beside = join_path(parent_path(parent_path(*program)), "lib/libduckdb.so");
    if (void* const handle = ::dlopen(beside.c_str(), RTLD_LAZY | RTLD_LOCAL)) return handle;
  }
  void* const handle = ::dlopen("libduckdb.so", RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) why = ::dlerror();
  return handle;
}

struct Opened {
  DuckdbLibrary library;
  std::string why_not;
};

Opened open_duckdb() {
  Opened opened;
  void* const handle = open_library(opened.why_not);
  if (handle == nullptr) return opened;
  const auto find = [&](auto& function, const char* name) {
    void* const address = ::dlsym(handle, name);
    if (address == nullptr) opened.why_not = std::string("it lacks the function ") + name;
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
  };
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): one list of functions serves both
#define MARTLET_DUCKDB_FIND(name) find(opened.library.name, #name);
  MARTLET_DUCKDB_FUNCTIONS(MARTLET_DUCKDB_FIND)
#undef MARTLET_DUCKDB_FIND
  return opened;
}

const Opened& opened() {
  static const Opened once = open_duckdb();
  return once;
}

}  // namespace

Result<void> load_duckdb() {
  if (opened().why_not.empty()) return {};
  return unavailable("loading libduckdb.so, which belongs into lib/ beside the program's bin/: " +
                     opened().why_not + "; install martlet again");
}

const DuckdbLibrary& duck() { return opened().library; }

}  // namespace martlet::table
