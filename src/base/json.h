// base/json.h: JSON values, parsed within limits, and their canonical form.
//
// Json keeps the order of keys, so that what people read stays in the order in which it was
// written; digests are taken of the canonical form, which sorts. Values; no shared state.
#pragma once
#include "base/result.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace martlet {

using Json = nlohmann::ordered_json;

struct JsonLimits {
  std::size_t size_bytes = 16u << 20;
  int depth = 64;
};

// Parses one document. InvalidArgument (with the byte offset) for malformed text, for a duplicate
// key, invalid UTF-8, or text beyond the limits.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

// RFC 8785 (JSON Canonicalization Scheme) with one addition (DESIGN §12.1): integers beyond ±(2^53
// - 1) are written as strings, since the scheme's numbers are IEEE doubles. Non-finite numbers must
// not be in `value` (they become null).
std::string canonical_json(const Json& value);

// The shortest decimal text that reads back as the same double ("0.1", "1e+22" as ECMAScript writes
// them); "null" if not finite.
std::string shortest(double value);

// Compact text; invalid UTF-8 is replaced, never thrown upon. Non-finite numbers become null.
std::string to_text(const Json& value);
// Indented by two, for people and for files.
std::string to_pretty_text(const Json& value);

// A finite number, or null.
Json number_or_null(double value);

// Typed reads of one member: InvalidArgument naming `subject` and the key when it is missing or of
// another type.
Result<std::string> text_member(const Json& object, std::string_view key, std::string_view subject);
Result<std::int64_t> integer_member(const Json& object, std::string_view key,
                                    std::string_view subject);
Result<double> number_member(const Json& object, std::string_view key, std::string_view subject);
Result<bool> boolean_member(const Json& object, std::string_view key, std::string_view subject);
// The member itself, whatever its type; InvalidArgument when `object` is no object or lacks it.
Result<const Json*> member(const Json& object, std::string_view key, std::string_view subject);

}  // namespace martlet
