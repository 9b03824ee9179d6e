// tracking/internal/run_batches.h: records of many runs, asked for by several statements.
#pragma once
#include "base/ids.h"
#include "base/result.h"
#include "metadata/query.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace martlet::tracking {

constexpr std::size_t kRunsAtOnce = 512;

// Calls function(condition, begin, end) with conditions that hold where `column` is one of
// ids[begin, end). The last id may be asked for several times, so that statements of few different
// lengths are prepared.
template <class Function>
Result<void> in_batches(const std::string& column, const std::vector<RunId>& ids,
                        Function function) {
  for (std::size_t begin = 0; begin < ids.size(); begin += kRunsAtOnce) {
    const std::size_t end = std::min(begin + kRunsAtOnce, ids.size());
    std::vector<RunId> some(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                            ids.begin() + static_cast<std::ptrdiff_t>(end));
    while ((some.size() & (some.size() - 1)) != 0) some.push_back(some.back());
    MARTLET_TRY(function(metadata::in(column, some), begin, end));
  }
  return {};
}

}  // namespace martlet::tracking
