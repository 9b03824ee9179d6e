// report/escape.h: texts from anywhere made harmless for the place where they are written.
//
// Invalid UTF-8 and control characters become U+FFFD; nothing is dropped silently. Pure functions.
#pragma once
#include <string>
#include <string_view>

namespace martlet::report {

// For element content and for attribute values in double quotes.
std::string escape_html(std::string_view text);
// For running text and table cells of Markdown (GitHub's): no markup, no HTML, no line break.
std::string escape_markdown(std::string_view text);
// For the content of a <script type="application/json"> block: the same JSON, without any '<', '>'
// or '&'.
std::string escape_script_json(std::string_view json);
// Valid UTF-8 without control characters but line breaks and tabs.
std::string printable(std::string_view text);

}  // namespace martlet::report
