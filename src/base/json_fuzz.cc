// Any bytes as JSON: a refusal, or a value that is the same after it was written and read again, in
// every form.
#include "base/json.h"
#include "base/text.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace martlet;
  const auto json = parse_json({reinterpret_cast<const char*>(bytes), size});
  if (!json.has_value()) {
    MARTLET_CHECK(json.error().code() == ErrorCode::InvalidArgument, "a refusal names the input");
    return 0;
  }
  const std::string text = to_text(*json);
  const auto again = parse_json(text);
  MARTLET_CHECK(again.has_value() && to_text(*again) == text, "text reads back");
  const auto pretty = parse_json(to_pretty_text(*json));
  MARTLET_CHECK(pretty.has_value() && to_text(*pretty) == text, "pretty text reads back");
  const std::string canonical = canonical_json(*json);
  const auto sorted = parse_json(canonical);
  MARTLET_CHECK(sorted.has_value() && canonical_json(*sorted) == canonical,
                "the canonical form is its own canonical form");
  MARTLET_CHECK(is_valid_utf8(canonical), "what was read is UTF-8");
  return 0;
}
