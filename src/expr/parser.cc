#include "base/text.h"
#include "expr/expression.h"
#include "expr/internal/lexer.h"
#include "expr/internal/syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace martlet::expr {
namespace {

// Binding powers, loosest first; see syntax.h.
enum Power : int {
  kLoosest = 0,
  kOr = 1,
  kAnd = 2,
  kNot = 3,
  kIs = 4,
  kComparison = 5,
  kMembership = 6,
  kConcat = 7,
  kSum = 8,
  kProduct = 9,
  kExponent = 10,
  kSign = 11,
  kCast = 12,
};

constexpr std::array<std::string_view, 17> kReserved = {
    "and",  "or",   "not",  "is",  "in",   "like", "ilike", "between", "case",
    "when", "then", "else", "end", "null", "true", "false", "cast"};

bool is_reserved(std::string_view word) {
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens, std::vector<Finding>& findings)
      : text_(text), tokens_(std::move(tokens)), findings_(findings) {}

  SyntaxTree run() {
    if (peek().form == TokenForm::End) {
      fail_at(0, "syntax", "the expression is empty");
      return {};
    }
    const Syntax* root = parse(kLoosest);
    if (!failed_ && peek().form != TokenForm::End) unexpected("expected an operator or the end");
    tree_.root = failed_ ? nullptr : root;
    return std::move(tree_);
  }

 private:
  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& next() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool at_word(std::string_view word, std::size_t ahead = 0) const {
    return peek(ahead).form == TokenForm::Word && peek(ahead).lower == word;
  }
  bool at_symbol(std::string_view symbol, std::size_t ahead = 0) const {
    return peek(ahead).form == TokenForm::Symbol && peek(ahead).text == symbol;
  }
  bool take_word(std::string_view word) {
    if (!at_word(word)) return false;
    next();
    return true;
  }
  bool take_symbol(std::string_view symbol) {
    if (!at_symbol(symbol)) return false;
    next();
    return true;
  }
  void expect_symbol(std::string_view symbol, std::string_view where) {
    if (!failed_ && !take_symbol(symbol))
      unexpected(fmt::format("expected \"{}\" {}", symbol, where));
  }
  void expect_word(std::string_view word, std::string_view where) {
    if (!failed_ && !take_word(word)) unexpected(fmt::format("expected \"{}\" {}", word, where));
  }

  void fail_at(std::size_t offset, std::string_view rule, std::string message) {
    if (failed_) return;
    failed_ = true;
    findings_.push_back(finding_at(text_, offset, rule, std::move(message)));
  }
  void unexpected(std::string_view wanted) {
    const Token& token = peek();
    if (token.form == TokenForm::End) {
      fail_at(token.offset, "syntax", fmt::format("the expression ends too early: {}", wanted));
      return;
    }
    fail_at(
        token.offset, "syntax",
        fmt::format("\"{}\" is not expected here: {}",
                    text_.substr(token.offset, std::min<std::size_t>(40, token.end - token.offset)),
                    wanted));
  }

  Syntax* make(SyntaxForm form, std::size_t offset, std::string_view name,
               std::vector<const Syntax*> children = {}) {
    Syntax& node = tree_.nodes.emplace_back();
    node.form = form;
    node.offset = offset;
    node.name = std::string(name);
    for (const Syntax* child : children) {
      if (child != nullptr) node.height = std::max(node.height, child->height + 1);
    }
    node.children = std::move(children);
    if (node.height > kMaxOperators) {
      fail_at(
          offset, "too_deep",
          fmt::format("more than {} operators stand inside each other; split the expression, or "
                      "write long lists with in (…)",
                      kMaxOperators));
    }
    return &node;
  }
  Syntax* make_literal(std::size_t offset, Value value) {
    Syntax* node = make(SyntaxForm::Literal, offset, "");
    node->value = std::move(value);
    return node;
  }

  // Parses an operand and every operator behind it that binds at least as tightly as `power`.
  const Syntax* parse(int power) {
    const Syntax* left = parse_prefix();
    bool compared = false;
    while (!failed_) {
      const Syntax* longer = parse_infix(left, power, compared);
      if (longer == nullptr) break;
      left = longer;
    }
    return left;
  }

  struct Infix {
    std::string_view symbol;
    int power;
  };
  static const Infix* find_infix(const Token& token) {
    static constexpr std::array<Infix, 15> kInfixes = {{{"=", kComparison},
                                                        {"<>", kComparison},
                                                        {"<", kComparison},
                                                        {"<=", kComparison},
                                                        {">", kComparison},
                                                        {">=", kComparison},
                                                        {"||", kConcat},
                                                        {"+", kSum},
                                                        {"-", kSum},
                                                        {"*", kProduct},
                                                        {"/", kProduct},
                                                        {"//", kProduct},
                                                        {"%", kProduct},
                                                        {"**", kExponent},
                                                        {"::", kCast}}};
    if (token.form != TokenForm::Symbol) return nullptr;
    for (const Infix& infix : kInfixes) {
      if (infix.symbol == token.text) return &infix;
    }
    return nullptr;
  }

  // nullptr when no operator of that power follows.
  const Syntax* parse_infix(const Syntax* left, int power, bool& compared) {
    const Token& token = peek();
    if (token.form == TokenForm::Word) return parse_word_infix(left, power);
    const Infix* infix = find_infix(token);
    if (infix == nullptr || infix->power < power) return nullptr;
    if (infix->power == kComparison) {
      if (compared) {
        fail_at(token.offset, "syntax",
                "comparisons cannot be chained; join them with and, or put one in parentheses");
        return nullptr;
      }
      compared = true;
    }
    next();
    if (infix->power == kCast) return parse_type_behind(left, SyntaxForm::Cast, token.offset);
    const Syntax* right = parse(infix->power + 1);
    return make(SyntaxForm::Call, token.offset, infix->symbol, {left, right});
  }

  const Syntax* parse_word_infix(const Syntax* left, int power) {
    const Token& token = peek();
    if (at_word("or") || at_word("and")) {
      const int own = at_word("or") ? kOr : kAnd;
      if (own < power) return nullptr;
      next();
      const Syntax* right = parse(own + 1);
      return make(SyntaxForm::Call, token.offset, token.lower, {left, right});
    }
    if (at_word("is")) return power <= kIs ? parse_is(left) : nullptr;
    const bool negated = at_word("not");
    const std::size_t ahead = negated ? 1 : 0;
    const bool membership = at_word("between", ahead) || at_word("in", ahead) ||
                            at_word("like", ahead) || at_word("ilike", ahead);
    if (!membership || power > kMembership) return nullptr;
    if (negated) next();
    const Syntax* result = parse_membership(left);
    if (failed_ || !negated) return result;
    return make(SyntaxForm::Call, token.offset, "not", {result});
  }

  const Syntax* parse_membership(const Syntax* left) {
    const Token& token = next();
    if (token.lower == "between") {
      const Syntax* low = parse(kConcat);
      expect_word("and", "between the two limits of between");
      const Syntax* high = failed_ ? nullptr : parse(kConcat);
      return make(SyntaxForm::Call, token.offset, "between", {left, low, high});
    }
    if (token.lower == "in") {
      expect_symbol("(", "behind in");
      std::vector<const Syntax*> children = {left};
      parse_list(children, "behind the values of in");
      if (!failed_ && children.size() == 1) fail_at(token.offset, "syntax", "in () has no values");
      return make(SyntaxForm::Call, token.offset, "in", std::move(children));
    }
    std::vector<const Syntax*> children = {left, parse(kConcat)};
    if (!failed_ && take_word("escape")) children.push_back(parse(kConcat));
    return make(SyntaxForm::Call, token.offset, token.lower, std::move(children));
  }

  const Syntax* parse_is(const Syntax* left) {
    const Token& token = next();
    const bool negated = take_word("not");
    const Syntax* result = nullptr;
    if (take_word("null") || take_word("unknown")) {
      result = make(SyntaxForm::Call, token.offset, "is null", {left});
    } else if (at_word("true") || at_word("false")) {
      const Syntax* truth = make_literal(peek().offset, Value::of_bool(at_word("true")));
      next();
      result = make(SyntaxForm::Call, token.offset, "is not distinct from", {left, truth});
    } else if (take_word("distinct")) {
      expect_word("from", "behind is distinct");
      const Syntax* right = failed_ ? nullptr : parse(kIs + 1);
      return make(SyntaxForm::Call, token.offset,
                  negated ? "is not distinct from" : "is distinct from", {left, right});
    } else {
      unexpected("behind is comes null, true, false or distinct from, with or without not");
      return nullptr;
    }
    return negated ? make(SyntaxForm::Call, token.offset, "not", {result}) : result;
  }

  // Expressions separated by commas, up to and with the closing parenthesis.
  void parse_list(std::vector<const Syntax*>& children, std::string_view where) {
    if (failed_ || take_symbol(")")) return;
    do {
      children.push_back(parse(kLoosest));
    } while (!failed_ && take_symbol(","));
    expect_symbol(")", where);
  }

  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxNesting) {
        parser_.fail_at(
            parser_.peek().offset, "too_deep",
            fmt::format("nested more than {} levels deep; split the expression", kMaxNesting));
      }
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  const Syntax* parse_prefix() {
    const Nesting nesting(*this);
    if (failed_) return nullptr;
    const Token& token = peek();
    switch (token.form) {
      case TokenForm::Integer: return parse_integer(false);
      case TokenForm::Number: return parse_number(false);
      case TokenForm::Text: next(); return make_literal(token.offset, Value::of_text(token.text));
      case TokenForm::QuotedName: return parse_name();
      case TokenForm::Symbol: return parse_prefix_symbol();
      case TokenForm::Word: return parse_prefix_word();
      case TokenForm::End: break;
    }
    unexpected("expected a value");
    return nullptr;
  }

  const Syntax* parse_prefix_symbol() {
    const Token& token = peek();
    if (take_symbol("(")) {
      const Syntax* inner = parse(kLoosest);
      expect_symbol(")", "to close the parenthesis");
      return inner;
    }
    if (take_symbol("-")) {
      // The sign belongs to a literal unless :: stands behind it, which binds tighter.
      if (!at_symbol("::", 1)) {
        if (peek().form == TokenForm::Integer) return parse_integer(true);
        if (peek().form == TokenForm::Number) return parse_number(true);
      }
      return make(SyntaxForm::Call, token.offset, "-", {parse(kSign)});
    }
    if (take_symbol("+")) return make(SyntaxForm::Call, token.offset, "+", {parse(kSign)});
    unexpected("expected a value");
    return nullptr;
  }

  const Syntax* parse_integer(bool negative) {
    const Token& token = next();
    const std::string digits = (negative ? "-" : "") + token.text;
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (code != std::errc() || end != digits.data() + digits.size()) {
      fail_at(token.offset, "wrong_literal",
              fmt::format("{} is beyond the integers of 64 bits; write {}.0 for a number",
                          digits.substr(0, 40), digits.substr(0, 40)));
      return nullptr;
    }
    return make_literal(token.offset, Value::of_integer(value));
  }

  const Syntax* parse_number(bool negative) {
    const Token& token = next();
    double value = 0;
    const auto [end, code] =
        std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
    if (code != std::errc() || end != token.text.data() + token.text.size()) {
      fail_at(token.offset, "wrong_literal",
              fmt::format("{} is beyond the range of numbers", token.text.substr(0, 40)));
      return nullptr;
    }
    return make_literal(token.offset, Value::of_number(negative ? -value : value));
  }

  const Syntax* parse_prefix_word() {
    const Token& token = peek();
    if (token.lower == "not") {
      next();
      return make(SyntaxForm::Call, token.offset, "not", {parse(kNot)});
    }
    if (token.lower == "true" || token.lower == "false") {
      next();
      return make_literal(token.offset, Value::of_bool(token.lower == "true"));
    }
    if (token.lower == "null") {
      next();
      return make_literal(token.offset, Value::none(Kind::Null));
    }
    if (token.lower == "case") return parse_case();
    if ((token.lower == "cast" || token.lower == "try_cast") && at_symbol("(", 1))
      return parse_cast();
    if ((token.lower == "date" || token.lower == "timestamp") && peek(1).form == TokenForm::Text) {
      next();
      const Token& literal = next();
      Syntax* cast = make(SyntaxForm::Cast, literal.offset, token.lower,
                          {make_literal(literal.offset, Value::of_text(literal.text))});
      cast->written = true;
      return cast;
    }
    if (token.lower == "interval" && (peek(1).form == TokenForm::Text ||
                                      peek(1).form == TokenForm::Integer || at_symbol("(", 1)))
      return parse_interval();
    if (token.lower == "extract" && at_symbol("(", 1)) return parse_extract();
    if (token.lower == "position" && at_symbol("(", 1)) return parse_position();
    if (is_reserved(token.lower)) {
      unexpected(fmt::format("expected a value; a name spelled so goes in double quotes: \"{}\"",
                             token.text));
      return nullptr;
    }
    if (at_symbol("(", 1)) return parse_call();
    return parse_name();
  }

  const Syntax* parse_name() {
    const std::size_t offset = peek().offset;
    std::string name = next().text;
    while (at_symbol(".") &&
           (peek(1).form == TokenForm::Word || peek(1).form == TokenForm::QuotedName)) {
      next();
      name += '.';
      name += next().text;
    }
    return make(SyntaxForm::Name, offset, name);
  }

  const Syntax* parse_call() {
    const Token& token = next();
    next();
    std::vector<const Syntax*> children;
    parse_list(children, fmt::format("to close {}(", token.lower));
    return make(SyntaxForm::Call, token.offset, token.lower, std::move(children));
  }

  const Syntax* parse_case() {
    const Token& token = next();
    std::vector<const Syntax*> children = {at_word("when") ? nullptr : parse(kLoosest)};
    if (!failed_ && !at_word("when")) unexpected("expected \"when\" in case");
    while (!failed_ && take_word("when")) {
      children.push_back(parse(kLoosest));
      expect_word("then", "behind the condition of when");
      children.push_back(failed_ ? nullptr : parse(kLoosest));
    }
    children.push_back(!failed_ && take_word("else") ? parse(kLoosest) : nullptr);
    expect_word("end", "to close case");
    return make(SyntaxForm::Case, token.offset, "case", std::move(children));
  }

  const Syntax* parse_cast() {
    const Token& token = next();
    next();
    const Syntax* inner = parse(kLoosest);
    expect_word("as", fmt::format("in {}(x as type)", token.lower));
    if (failed_) return nullptr;
    const Syntax* cast = parse_type_behind(
        inner, token.lower == "cast" ? SyntaxForm::Cast : SyntaxForm::TryCast, token.offset);
    expect_symbol(")", fmt::format("to close {}(", token.lower));
    return cast;
  }

  const Syntax* parse_type_behind(const Syntax* inner, SyntaxForm form, std::size_t offset) {
    if (peek().form != TokenForm::Word) {
      unexpected("expected a type: boolean, bigint, double, varchar, timestamp, date");
      return nullptr;
    }
    return make(form, offset, next().lower, {inner});
  }

  // interval '3 hours', interval '3' hour, interval 3 hour, interval (x) hour
  const Syntax* parse_interval() {
    next();
    const Token& token = peek();
    const Syntax* amount = nullptr;
    if (take_symbol("(")) {
      amount = parse(kLoosest);
      expect_symbol(")", "behind the amount of interval");
    } else if (token.form == TokenForm::Integer) {
      amount = parse_integer(false);
    } else {
      next();
      const Syntax* literal = make_literal(token.offset, Value::of_text(token.text));
      const bool unit_follows =
          peek().form == TokenForm::Word && !is_reserved(peek().lower) && !at_symbol("(", 1);
      Syntax* cast =
          make(SyntaxForm::Cast, token.offset, unit_follows ? "bigint" : "interval", {literal});
      cast->written = true;
      if (!unit_follows) return cast;
      amount = cast;
    }
    if (failed_) return nullptr;
    if (peek().form != TokenForm::Word) {
      unexpected("expected the interval's unit, such as day or hours");
      return nullptr;
    }
    const Token& unit = next();
    return make(SyntaxForm::Call, token.offset, "interval",
                {make_literal(unit.offset, Value::of_text(unit.lower)), amount});
  }

  const Syntax* parse_extract() {
    const Token& token = next();
    next();
    const Token& unit = next();
    if (unit.form != TokenForm::Word && unit.form != TokenForm::Text) {
      at_ = at_ > 0 ? at_ - 1 : 0;
      unexpected("expected a part of time, as in extract(hour from x)");
      return nullptr;
    }
    expect_word("from", "in extract(part from x)");
    const Syntax* inner = failed_ ? nullptr : parse(kLoosest);
    expect_symbol(")", "to close extract(");
    return make(SyntaxForm::Call, token.offset, "date_part",
                {make_literal(unit.offset, Value::of_text(unit.text)), inner});
  }

  const Syntax* parse_position() {
    const Token& token = next();
    next();
    const Syntax* needle = parse(kConcat);
    expect_word("in", "in position(part in text)");
    const Syntax* text = failed_ ? nullptr : parse(kLoosest);
    expect_symbol(")", "to close position(");
    return make(SyntaxForm::Call, token.offset, "strpos", {text, needle});
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::vector<Finding>& findings_;
  SyntaxTree tree_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  bool failed_ = false;
};

}  // namespace

Finding finding_at(std::string_view text, std::size_t offset, std::string_view rule,
                   std::string message) {
  Finding finding;
  finding.rule = std::string(rule);
  finding.message = std::move(message);
  finding.line = 1;
  finding.column = 1;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++finding.line;
      finding.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      ++finding.column;
    }
  }
  return finding;
}

SyntaxTree parse_syntax(std::string_view text, std::vector<Finding>& findings) {
  if (text.size() > kMaxExpressionBytes) {
    findings.push_back(finding_at(text, 0, "too_long",
                                  fmt::format("the expression has {} bytes, more than {}",
                                              text.size(), kMaxExpressionBytes)));
    return {};
  }
  if (!is_valid_utf8(text)) {
    findings.push_back(finding_at(text, 0, "syntax", "the expression is not valid UTF-8"));
    return {};
  }
  std::optional<std::vector<Token>> tokens = read_tokens(text, findings);
  if (!tokens.has_value()) return {};
  return Parser(text, std::move(*tokens), findings).run();
}

}  // namespace martlet::expr
