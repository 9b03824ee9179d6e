// platform/mapped_file.h: a file as read-only memory. Movable, one owner; the bytes may be read by
// many threads and live as long as it does. Only for files that nobody changes: reading a page of a
// file that was truncated meanwhile is a SIGBUS.
#pragma once
#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace martlet::platform {

class MappedFile {
 public:
  // NotFound, PermissionDenied; InvalidArgument for what is no regular file.
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return {static_cast<const char*>(address_), size_bytes_}; }

 private:
  MappedFile(void* address, std::size_t size_bytes) : address_(address), size_bytes_(size_bytes) {}
  void* address_;
  std::size_t size_bytes_;
};

}  // namespace martlet::platform
