#include "expr/internal/lexer.h"

#include "base/text.h"
#include "expr/internal/syntax.h"

#include <fmt/format.h>

#include <array>

namespace martlet::expr {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
// Letters beyond ASCII are letters, as in DuckDB.
bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) { return starts_word(c) || is_digit(c) || c == '$'; }

class Lexer {
 public:
  Lexer(std::string_view text, std::vector<Finding>& findings) : text_(text), findings_(findings) {}

  std::optional<std::vector<Token>> run() {
    std::vector<Token> tokens;
    while (true) {
      skip_blank();
      Token token;
      token.offset = at_;
      if (at_ >= text_.size()) {
        token.end = at_;
        tokens.push_back(std::move(token));
        return tokens;
      }
      if (!read(token)) return std::nullopt;
      token.end = at_;
      tokens.push_back(std::move(token));
    }
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void skip_blank() {
    while (at_ < text_.size()) {
      if (is_space(text_[at_])) {
        ++at_;
      } else if (peek() == '-' && peek(1) == '-') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  bool read(Token& token) {
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return read_number(token);
    if (c == '\'') return read_quoted(token, '\'', TokenForm::Text);
    if (c == '"') return read_quoted(token, '"', TokenForm::QuotedName);
    if (starts_word(c)) {
      token.form = TokenForm::Word;
      const std::size_t begin = at_;
      while (at_ < text_.size() && continues_word(text_[at_])) ++at_;
      token.text = std::string(text_.substr(begin, at_ - begin));
      token.lower = lower_ascii(token.text);
      return true;
    }
    return read_symbol(token);
  }

  void read_digits(std::string& digits) {
    while (is_digit(peek()) ||
           (peek() == '_' && is_digit(peek(1)) && !digits.empty() && is_digit(digits.back()))) {
      if (peek() != '_') digits.push_back(peek());
      ++at_;
    }
  }

  bool read_number(Token& token) {
    token.form = TokenForm::Integer;
    read_digits(token.text);
    if (peek() == '.') {
      token.form = TokenForm::Number;
      if (token.text.empty()) token.text = "0";
      token.text.push_back('.');
      ++at_;
      const std::size_t before = token.text.size();
      read_digits(token.text);
      if (token.text.size() == before) token.text.push_back('0');
    }
    const bool signed_exponent = (peek(1) == '+' || peek(1) == '-') && is_digit(peek(2));
    if ((peek() == 'e' || peek() == 'E') && (is_digit(peek(1)) || signed_exponent)) {
      token.form = TokenForm::Number;
      token.text.push_back('e');
      ++at_;
      if (signed_exponent) {
        if (peek() == '-') token.text.push_back('-');
        ++at_;
      }
      read_digits(token.text);
    }
    if (starts_word(peek())) {
      findings_.push_back(
          finding_at(text_, token.offset, "syntax",
                     fmt::format("a number is followed by a letter in \"{}\"; put a "
                                 "space or an operator between them",
                                 text_.substr(token.offset, at_ + 1 - token.offset))));
      return false;
    }
    return true;
  }

  bool read_quoted(Token& token, char quote, TokenForm form) {
    token.form = form;
    ++at_;
    while (at_ < text_.size()) {
      if (text_[at_] == quote) {
        if (peek(1) != quote) {
          ++at_;
          if (form == TokenForm::QuotedName && token.text.empty()) {
            findings_.push_back(
                finding_at(text_, token.offset, "syntax", "a quoted name must not be empty"));
            return false;
          }
          return true;
        }
        ++at_;
      }
      token.text.push_back(text_[at_]);
      ++at_;
    }
    findings_.push_back(finding_at(
        text_, token.offset, "syntax",
        fmt::format("the quote opened here is not closed; end it with {}, and write {}{} for the "
                    "character itself",
                    quote, quote, quote)));
    return false;
  }

  bool read_symbol(Token& token) {
    static constexpr std::array<std::string_view, 22> kSymbols = {
        "<=", ">=", "<>", "!=", "==", "||", "//", "::", "**", "(", ")",
        ",",  "+",  "-",  "*",  "/",  "%",  "^",  "<",  ">",  "=", "."};
    token.form = TokenForm::Symbol;
    for (const std::string_view symbol : kSymbols) {
      if (text_.substr(at_, symbol.size()) != symbol) continue;
      at_ += symbol.size();
      token.text = symbol == "!=" ? "<>" : symbol == "==" ? "=" : symbol == "^" ? "**" : symbol;
      return true;
    }
    findings_.push_back(finding_at(
        text_, token.offset, "syntax",
        fmt::format("\"{}\" has no meaning here; docs/expressions.md lists the operators",
                    text_.substr(at_, 1))));
    return false;
  }

  std::string_view text_;
  std::vector<Finding>& findings_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::vector<Token>> read_tokens(std::string_view text,
                                              std::vector<Finding>& findings) {
  return Lexer(text, findings).run();
}

}  // namespace martlet::expr
