#include "platform/library_pages.h"

#include <link.h>
#include <malloc.h>

#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace martlet::platform {

namespace {

struct Search {
  std::string_view prefix;
  std::size_t bytes = 0;
};

int visit(dl_phdr_info* info, std::size_t, void* out) {
  auto& search = *static_cast<Search*>(out);
  std::string_view name(info->dlpi_name);
  if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos)
    name.remove_prefix(slash + 1);
  if (!name.starts_with(search.prefix)) return 0;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    // Writable segments hold relocated pointers, which exist nowhere else.
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (info->dlpi_addr + header.p_vaddr + page - 1) / page * page;
    const std::uintptr_t end = (info->dlpi_addr + header.p_vaddr + header.p_memsz) / page * page;
    if (end <= begin) continue;
    void* address = reinterpret_cast<void*>(
        begin);  // NOLINT(performance-no-int-to-ptr): an address from the loader
    if (madvise(address, end - begin, MADV_DONTNEED) == 0) search.bytes += end - begin;
  }
  return 0;
}

}  // namespace

std::size_t release_library_pages(std::string_view file_name_prefix) {
  Search search{file_name_prefix};
  dl_iterate_phdr(&visit, &search);
  return search.bytes;
}

void release_free_memory() { malloc_trim(0); }

}  // namespace martlet::platform
