// platform/gzip.h: gzip (RFC 1952) within limits. Pure functions over zlib; thread-safe.
#pragma once
#include "base/result.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace martlet {
class File;
class FileSystem;
}  // namespace martlet

namespace martlet::platform {

inline constexpr std::uint64_t kGunzipLimitBytes = std::uint64_t{64} << 30;

// All members of a gzip file, one behind the other. Corrupt when it is no gzip, is cut short, fails
// its checksum or ends in garbage; ResourceExhausted when more than `limit_bytes` come out.
Result<std::string> gunzip(std::string_view bytes, std::uint64_t limit_bytes);
Result<std::string> gunzip_file(FileSystem& files, const std::string& path,
                                std::uint64_t limit_bytes);
// In pieces, in constant memory; `sink` may refuse, which ends it with that error.
Result<void> gunzip_file(FileSystem& files, const std::string& path, std::uint64_t limit_bytes,
                         const std::function<Result<void>(std::string_view)>& sink);

// One member without name or time, so that equal input gives equal bytes. Level 1 (fast) to 9
// (small).
std::string gzip(std::string_view bytes, int level = 6);

}  // namespace martlet::platform
