#include "platform/mapped_file.h"

#include "platform/internal/posix.h"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

namespace martlet::platform {

Result<MappedFile> MappedFile::open(const std::string& path) {
  const Descriptor descriptor(
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (!descriptor.valid()) return fail_errno(errno, "opening", path);
  struct stat found{};
  if (::fstat(descriptor.get(), &found) != 0) return fail_errno(errno, "looking at", path);
  if (!S_ISREG(found.st_mode))
    return invalid_argument(fmt::format("mapping {}: it is no regular file", path));
  const auto size_bytes = static_cast<std::size_t>(found.st_size);
  if (size_bytes == 0) return MappedFile(nullptr, 0);  // mmap refuses empty ranges
  void* address = ::mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (address == MAP_FAILED) return fail_errno(errno, "mapping", path);
  return MappedFile(address, size_bytes);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(address_, other.address_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (address_ != nullptr) ::munmap(address_, size_bytes_);
}

}  // namespace martlet::platform
