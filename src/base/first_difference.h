// base/first_difference.h: where two documents first differ: JSON by path, text by line. Pure
// functions; used to show what a reproduction did not reproduce.
#pragma once
#include "base/json.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet {

struct JsonDifference {
  std::string path;              // "columns[3].mean"; "" is the document itself
  std::optional<Json> expected;  // absent where only the other document has it
  std::optional<Json> actual;
};

// At most `limit` differences, in the order of `expected`'s keys, then of those that only `actual`
// has. The order of an object's keys is no difference; 1 and 1.0 are the same number.
std::vector<JsonDifference> json_differences(const Json& expected, const Json& actual,
                                             std::size_t limit);

struct LineDifference {
  std::size_t line = 0;  // counted from 1
  std::optional<std::string> expected;
  std::optional<std::string> actual;
};

// None when the texts are the same bytes. A missing last line end counts as a difference of the
// line behind it.
std::optional<LineDifference> first_line_difference(std::string_view expected,
                                                    std::string_view actual);

}  // namespace martlet
