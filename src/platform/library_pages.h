// platform/library_pages.h: memory that is no longer in use, given back: for a server that has
// finished starting.
#pragma once
#include <cstddef>
#include <string_view>

namespace martlet::platform {

// Gives the kernel back the pages of the read-only segments of every loaded library whose file name
// begins so ("libduckdb"): code and constants, which are read from the file again when they are
// needed. For a server that used a library only while it started. Returns how many bytes it advised
// on.
std::size_t release_library_pages(std::string_view file_name_prefix);

// Gives the kernel back what the allocator holds but nobody uses.
void release_free_memory();

}  // namespace martlet::platform
