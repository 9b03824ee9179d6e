// monitoring/segment_check.h: is a segment of the prediction log what was written? Free function;
// caller: lifecycle's verify.
#pragma once
#include "base/file_system.h"
#include "base/result.h"

#include <cstdint>
#include <string>

namespace martlet::monitoring {

// One segment, wholly read.
struct SegmentCheck {
  std::int64_t entries = 0;
  std::int64_t torn_bytes = 0;  // at its end, from a crash (or from a write that is going on)
  std::string damage = {};      // what is wrong with it; "" when it is sound
};
// The error is that of reading the file.
Result<SegmentCheck> check_segment(FileSystem& files, const std::string& path);

}  // namespace martlet::monitoring
