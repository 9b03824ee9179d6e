#include "metadata/filter.h"

#include "base/pattern.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace martlet::metadata {

namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxClauses = 256;
constexpr std::size_t kMaxListValues = 1000;

constexpr std::array<std::string_view, 12> kNames{
    "=", "!=", "<", "<=", ">", ">=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL"};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_quote(char c) { return c == '\'' || c == '"' || c == '`'; }
// Letters and digits of any script: whatever isn't ASCII counts as a letter.
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_key(char c) { return is_word(c) || c == '.' || c == '/' || c == '-' || c == ':'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<FilterClause>> clauses() {
    std::vector<FilterClause> found;
    skip_space();
    if (at_end()) return found;
    while (true) {
      if (found.size() == kMaxClauses)
        return invalid_argument(
            fmt::format("a filter has at most {} clauses; search in parts", kMaxClauses));
      MARTLET_TRY_SET(FilterClause one, clause());
      found.push_back(std::move(one));
      if (at_end()) return found;
      if (!take_word("and")) {
        return expected("AND or the end: clauses are joined by AND only; there is no OR, no NOT "
                        "and no parentheses around clauses");
      }
    }
  }

  Result<FilterOrder> order() {
    skip_space();
    FilterOrder found;
    MARTLET_TRY_SET(found.name, name());
    if (take_word("desc")) {
      found.order = Order::Descending;
    } else {
      take_word("asc");
    }
    if (!at_end()) return expected("ASC, DESC or the end");
    return found;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char here() const { return at_end() ? '\0' : text_[at_]; }
  void skip_space() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }

  tl::unexpected<Error> expected(std::string_view what) const {
    const std::string_view rest = text_.substr(at_, 40);
    std::string message = fmt::format(
        "Invalid clause(s) in filter string: '{}': at character {} {} was expected, {}",
        text_.substr(0, 200), at_ + 1, what,
        rest.empty() ? std::string("but it ends there") : fmt::format("not \"{}\"", rest));
    Finding place;
    place.path = "filter";
    place.rule = "syntax";
    place.message = fmt::format("{} was expected", what);
    place.line = 1;
    place.column = static_cast<int>(at_) + 1;
    return fail(Error(ErrorCode::InvalidArgument, std::move(message), {std::move(place)}));
  }

  // A word without regard to case, followed by no further letter; and the space after it.
  bool take_word(std::string_view word) {
    if (lower_ascii(text_.substr(at_, word.size())) != word) return false;
    const std::size_t after = at_ + word.size();
    if (after < text_.size() && is_word(text_[after])) return false;
    at_ = after;
    skip_space();
    return true;
  }
  bool take(std::string_view symbol) {
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    skip_space();
    return true;
  }

  // Between quotes; a doubled quote is one of them.
  Result<std::string> quoted() {
    const char quote = here();
    std::string value;
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] != quote) {
        value += text_[i];
      } else if (i + 1 < text_.size() && text_[i + 1] == quote) {
        value += quote;
        ++i;
      } else {
        at_ = i + 1;
        return value;
      }
    }
    return expected(fmt::format("a closing {}", quote));
  }

  Result<FilterName> name() {
    FilterName found;
    if (here() == '`' || here() == '"') {
      MARTLET_TRY_SET(found.key, quoted());
      skip_space();
      return found;
    }
    const std::size_t begin = at_;
    while (is_word(here())) ++at_;
    if (at_ == begin) return expected("a name such as metrics.auc or attributes.status");
    found.key = std::string(text_.substr(begin, at_ - begin));
    if (here() == '.') {
      ++at_;
      found.entity = lower_ascii(found.key);
      if (here() == '`' || here() == '"') {
        MARTLET_TRY_SET(found.key, quoted());
      } else {
        const std::size_t key = at_;
        while (is_key(here())) ++at_;
        found.key = std::string(text_.substr(key, at_ - key));
      }
      if (found.key.empty()) return expected("a key after the dot");
    }
    skip_space();
    return found;
  }

  std::optional<Comparator> comparator() {
    using enum Comparator;
    // Longer ones first.
    constexpr std::array<std::pair<std::string_view, Comparator>, 7> kSymbols{{{"<=", AtMost},
                                                                               {">=", AtLeast},
                                                                               {"!=", NotEqual},
                                                                               {"<>", NotEqual},
                                                                               {"=", Equal},
                                                                               {"<", Less},
                                                                               {">", Greater}}};
    for (const auto& [symbol, comparator] : kSymbols) {
      if (take(symbol)) return comparator;
    }
    if (take_word("like")) return Like;
    if (take_word("ilike")) return LikeIgnoringCase;
    if (take_word("in")) return In;
    const std::size_t before = at_;
    if (take_word("not") && take_word("in")) return NotIn;
    at_ = before;
    if (take_word("is")) {
      const bool negated = take_word("not");
      if (take_word("null")) return negated ? IsNotNull : IsNull;
    }
    at_ = before;
    return std::nullopt;
  }

  Result<FilterValue> value() {
    FilterValue found;
    if (is_quote(here()) && here() != '`') {
      found.quoted = true;
      MARTLET_TRY_SET(found.text, quoted());
    } else {
      const std::size_t begin = at_;
      while (!at_end() && !is_space(here()) && here() != ',' && here() != ')' && here() != ';' &&
             !is_quote(here()))
        ++at_;
      found.text = std::string(text_.substr(begin, at_ - begin));
      if (!number_of(found.text).has_value()) {
        at_ = begin;
        return expected("a number, or a text in quotes");
      }
    }
    skip_space();
    return found;
  }

  Result<FilterClause> clause() {
    const std::size_t begin = at_;
    FilterClause found;
    MARTLET_TRY_SET(found.name, name());
    const auto compared = comparator();
    if (!compared.has_value())
      return expected("one of =, !=, <, <=, >, >=, LIKE, ILIKE, IN, NOT IN, IS NULL, IS NOT NULL");
    found.comparator = *compared;
    if (*compared == Comparator::In || *compared == Comparator::NotIn) {
      if (!take("(")) return expected("a list such as ('a', 'b')");
      do {
        if (found.values.size() == kMaxListValues)
          return expected(fmt::format("a list of at most {} values", kMaxListValues));
        MARTLET_TRY_SET(FilterValue one, value());
        found.values.push_back(std::move(one));
      } while (take(","));
      if (!take(")")) return expected("\",\" or \")\"");
    } else if (*compared != Comparator::IsNull && *compared != Comparator::IsNotNull) {
      MARTLET_TRY_SET(FilterValue one, value());
      found.values.push_back(std::move(one));
    }
    found.text = std::string(trim(text_.substr(begin, at_ - begin)));
    return found;
  }

 public:
  static std::optional<double> number_of(std::string_view text) {
    double number = 0;
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
      return std::nullopt;
    return number;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

Result<void> check_text(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return invalid_argument(
        fmt::format("a filter has at most {} bytes, this one has {}", kMaxTextBytes, text.size()));
  }
  if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos)
    return invalid_argument("a filter is UTF-8 text without NUL characters");
  return {};
}

tl::unexpected<Error> bad_comparator(const FilterClause& clause, std::string_view allowed) {
  return invalid_argument(
      fmt::format("Invalid comparator '{}' in filter clause '{}': use one of {}",
                  name_of(clause.comparator), clause.text, allowed));
}

// What numbers of both kinds can be compared by.
template <class Number>
Result<Condition> ordered_condition(const FilterClause& clause, const std::string& column,
                                    Number number) {
  switch (clause.comparator) {
    case Comparator::Equal: return equal(column, number);
    case Comparator::NotEqual: return not_equal(column, number);
    case Comparator::Less: return less(column, number);
    case Comparator::AtMost: return at_most(column, number);
    case Comparator::Greater: return greater(column, number);
    case Comparator::AtLeast: return at_least(column, number);
    default: return bad_comparator(clause, "=, !=, <, <=, >, >=");
  }
}

bool is_ordered(Comparator comparator) { return comparator <= Comparator::AtLeast; }

}  // namespace

std::string_view name_of(Comparator comparator) {
  return kNames[static_cast<std::size_t>(comparator)];
}

Result<std::vector<FilterClause>> parse_filter(std::string_view text) {
  MARTLET_TRY(check_text(text));
  return Parser(text).clauses();
}

Result<FilterOrder> parse_filter_order(std::string_view text) {
  MARTLET_TRY(check_text(text));
  return Parser(text).order();
}

Result<double> filter_number(const FilterClause& clause) {
  if (clause.values.size() == 1 && !clause.values.front().quoted) {
    if (const auto number = Parser::number_of(clause.values.front().text)) return *number;
  }
  return invalid_argument(
      fmt::format("Expected a number without quotes in filter clause '{}'", clause.text));
}

Result<std::int64_t> filter_integer(const FilterClause& clause) {
  if (clause.values.size() == 1 && !clause.values.front().quoted) {
    const std::string& text = clause.values.front().text;
    std::int64_t integer = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), integer);
    if (problem == std::errc() && end == text.data() + text.size()) return integer;
    MARTLET_TRY_SET(const double number, filter_number(clause));
    constexpr double kLimit = 9007199254740992.0;  // 2^53: beyond, doubles skip integers
    if (number == std::trunc(number) && std::abs(number) <= kLimit)
      return static_cast<std::int64_t>(number);
  }
  return invalid_argument(
      fmt::format("Expected an integer without quotes in filter clause '{}'", clause.text));
}

Result<std::vector<std::string>> filter_texts(const FilterClause& clause) {
  std::vector<std::string> texts;
  for (const FilterValue& value : clause.values) {
    if (!value.quoted) {
      return invalid_argument(
          fmt::format("Expected a text in quotes in filter clause '{}', such as '{}'", clause.text,
                      value.text));
    }
    texts.push_back(value.text);
  }
  return texts;
}

Result<Condition> text_condition(const FilterClause& clause, const std::string& column) {
  if (clause.comparator == Comparator::IsNull) return is_null(column);
  if (clause.comparator == Comparator::IsNotNull) return is_not_null(column);
  MARTLET_TRY_SET(const std::vector<std::string> texts, filter_texts(clause));
  switch (clause.comparator) {
    case Comparator::Equal: return equal(column, texts.front());
    case Comparator::NotEqual: return not_equal(column, texts.front());
    case Comparator::Like: return like(column, texts.front());
    case Comparator::LikeIgnoringCase: return like(column, texts.front(), MatchCase::Insensitive);
    case Comparator::In: return in(column, texts);
    case Comparator::NotIn: return is_not_null(column) && negate(in(column, texts));
    default: return bad_comparator(clause, "=, !=, LIKE, ILIKE, IN, NOT IN");
  }
}

Result<bool> text_holds(const FilterClause& clause, const std::string& text) {
  if (clause.comparator == Comparator::IsNull) return false;
  if (clause.comparator == Comparator::IsNotNull) return true;
  MARTLET_TRY_SET(const std::vector<std::string> texts, filter_texts(clause));
  const auto among = [&] { return std::find(texts.begin(), texts.end(), text) != texts.end(); };
  switch (clause.comparator) {
    case Comparator::Equal:
    case Comparator::In: return among();
    case Comparator::NotEqual:
    case Comparator::NotIn: return !among();
    case Comparator::Like:
    case Comparator::LikeIgnoringCase: {
      MARTLET_TRY_SET(
          const Pattern pattern,
          Pattern::like(texts.front(), clause.comparator == Comparator::LikeIgnoringCase));
      return pattern.matches_whole(text);
    }
    default: return bad_comparator(clause, "=, !=, LIKE, ILIKE, IN, NOT IN");
  }
}

Result<Condition> integer_condition(const FilterClause& clause, const std::string& column) {
  if (!is_ordered(clause.comparator)) return bad_comparator(clause, "=, !=, <, <=, >, >=");
  MARTLET_TRY_SET(const std::int64_t number, filter_integer(clause));
  return ordered_condition(clause, column, number);
}

Result<Condition> number_condition(const FilterClause& clause, const std::string& column) {
  if (!is_ordered(clause.comparator)) return bad_comparator(clause, "=, !=, <, <=, >, >=");
  MARTLET_TRY_SET(const double number, filter_number(clause));
  return ordered_condition(clause, column, number);
}

}  // namespace martlet::metadata
