// server/internal/json_scanner.h: reads JSON of a known shape from left to right, without making
// anything of it.
//
// Each call reads one thing from where the last one ended, and is false when something else stands
// there, or when it's written in another way than the plainest: texts with escapes, control
// characters or bad UTF-8; integers beyond 64 bits; numbers that overflow or underflow. After a
// false the scanner is of no more use: the caller turns to the real parser. What it does read means
// the same there, to the bit. Depth is that of the caller's code; views point into the text.
#pragma once
#include "base/text.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace martlet::server {

class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  // `member(name)` reads the value of each.
  template <class Member>
  bool object(const Member& member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string_view name;
      if (!text(name) || !take(':') || !member(name)) return false;
    } while (take(','));
    return take('}');
  }

  // `item(i)` reads the i-th.
  template <class Item>
  bool list(const Item& item) {
    if (!take('[')) return false;
    if (take(']')) return true;
    std::size_t count = 0;
    do {
      if (!item(count++)) return false;
    } while (take(','));
    return take(']');
  }
  bool opens_list() {
    skip();
    return at_ != end_ && *at_ == '[';
  }

  bool text(std::string_view& out) {
    if (!take('"')) return false;
    const char* const begin = at_;
    unsigned char all = 0;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
      const auto c = static_cast<unsigned char>(*at_);
      if (c < 0x20 || c == '\\') return false;
      all |= c;
    }
    if (at_ == end_) return false;
    out = {begin, static_cast<std::size_t>(at_ - begin)};
    ++at_;
    return all < 0x80 || is_valid_utf8(out);
  }

  bool null() { return word("null"); }
  bool boolean(bool& out) {
    out = word("true");
    return out || word("false");
  }
  bool integer(std::int64_t& out) {
    std::string_view token;
    bool whole = false;
    return numeral(token, whole) && whole && convert(token, out);
  }
  // A number as the nearest double; integers by way of 64 bits, so that -0 is 0 as it is for the
  // parser.
  bool number(double& out) {
    std::string_view token;
    bool whole = false;
    if (!numeral(token, whole)) return false;
    if (!whole) return convert(token, out);
    std::int64_t integral = 0;
    if (!convert(token, integral)) return false;
    out = static_cast<double>(integral);
    return true;
  }

  // Nothing is left but white space.
  bool finished() {
    skip();
    return at_ == end_;
  }

 private:
  void skip() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char wanted) {
    skip();
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view wanted) {
    skip();
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(wanted))
      return false;
    at_ += wanted.size();
    return true;
  }
  bool digits() {
    const char* const begin = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != begin;
  }
  // RFC 8259 §6. What follows it is the next call's to refuse.
  bool numeral(std::string_view& token, bool& whole) {
    skip();
    const char* const begin = at_;
    whole = true;
    if (at_ != end_ && *at_ == '-') ++at_;
    const char* const first = at_;
    if (!digits() || (*first == '0' && at_ - first > 1)) return false;
    if (at_ != end_ && *at_ == '.') {
      whole = false;
      ++at_;
      if (!digits()) return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      whole = false;
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    token = {begin, static_cast<std::size_t>(at_ - begin)};
    return true;
  }
  template <class Number>
  static bool convert(std::string_view token, Number& out) {
    const auto [rest, problem] = std::from_chars(token.data(), token.data() + token.size(), out);
    return problem == std::errc() && rest == token.data() + token.size();
  }

  const char* at_;
  const char* end_;
};

}  // namespace martlet::server
