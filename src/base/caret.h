// base/caret.h: shows where in a short text, such as an expression, a finding lies.
#pragma once
#include "base/finding.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace martlet {

class Error;

// Where in the bytes of `text` the position lies: line and column as in Finding, 1-based, in
// characters. A place after the end is the end.
std::size_t offset_of(std::string_view text, int line, int column);

// The line of `text` that the position lies in, and under it a caret below the place:
//
//     hour(scheduled) > 17
//          ^
//
// Line and column are 1-based and count characters, as in Finding; a place after the end is the
// end. The caret stands right on terminals that give wide characters (CJK, emoji) two cells and
// combining ones none. Of a long line it shows a window of 76 cells around the place, with … where
// it is cut. Tabs and other control characters are shown as a space.
std::string with_caret(std::string_view text, int line, int column);

// The finding's message, its position in words, and the text with a caret, indented by four: for a
// finding in a `noun` ("expression", "goal") that becomes one of the file that holds the text.
// Without a position the message alone, and nothing is shown of a text that is blank.
std::string message_in(std::string_view noun, std::string_view text, const Finding& finding);

// What is wrong with a text that a file holds, as findings of the file: `origin` (a finding without
// a rule) says where the text stands; its message, if any, begins theirs. An error without findings
// becomes one of the rule "syntax".
void add_findings_in(std::string_view noun, std::string_view text, const Error& error,
                     const Finding& origin, std::vector<Finding>& findings);

}  // namespace martlet
