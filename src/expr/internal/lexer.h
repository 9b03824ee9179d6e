// expr/internal/lexer.h: tokens of an expression.
#pragma once
#include "base/finding.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::expr {

enum class TokenForm : std::uint8_t { End, Integer, Number, Text, Word, QuotedName, Symbol };

struct Token {
  TokenForm form = TokenForm::End;
  std::size_t offset = 0;
  std::size_t end = 0;
  // Integer, Number: its digits without underscores. Text, QuotedName: unescaped. Word: as written.
  // Symbol: "<>" for "!=" too, "=" for "==".
  std::string text;
  std::string lower;  // Word: in lower case
};

// All tokens, the last being End; nullopt and a finding when a character has no place or a quote is
// not closed.
std::optional<std::vector<Token>> read_tokens(std::string_view text,
                                              std::vector<Finding>& findings);

}  // namespace martlet::expr
