// Functions of text. Positions and lengths count Unicode code points, as DuckDB's length(),
// substring() and strpos() do.
#include "base/text.h"
#include "expr/internal/functions.h"
#include "expr/internal/kernel.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace martlet::expr {
namespace {

using View = std::string_view;
using Int = std::int64_t;

constexpr const char* kTooLong = "the texts become too long (16 MiB each, 256 MiB together)";
constexpr const char* kBadEscape =
    "the escape must be empty or one ASCII character, and a pattern may not end with it";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

Int count_points(View text) {
  Int points = 0;
  for (const char c : text) points += is_continuation(c) ? 0 : 1;
  return points;
}
// The byte at which the code point of that number begins; the text's size behind the last.
std::size_t byte_of_point(View text, Int point) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!is_continuation(text[at]) && point-- == 0) break;
  }
  return at;
}
// Code points [begin, end), both clamped to the text.
View points_between(View text, Int begin, Int end, Int points) {
  begin = std::clamp<Int>(begin, 0, points);
  end = std::clamp<Int>(end, 0, points);
  if (begin >= end) return {};
  const std::size_t from = byte_of_point(text, begin);
  return text.substr(from, byte_of_point(text.substr(from), end - begin));
}
// Far beyond any text, and safe to add.
Int bounded(Int value) { return std::clamp<Int>(value, -(Int{1} << 40), Int{1} << 40); }

std::size_t point_bytes(View text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && is_continuation(text[end])) ++end;
  return end - at;
}

struct Length {
  static Int apply(const Context&, View a) { return count_points(a); }
};
struct ByteLength {
  static Int apply(const Context&, View a) { return static_cast<Int>(a.size()); }
};

template <bool kUpper>
Outcome change_case(Arena& arena, View text, View& out) {
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  // Beyond ASCII a letter may grow, by at most a byte (ß to ẞ): half the text at worst.
  const std::size_t room = ascii ? text.size() : text.size() + text.size() / 2 + 4;
  char* begin = arena.take(room);
  if (begin == nullptr) return Outcome::Failure;
  char* at = begin;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) < 0x80) {
      const bool other = kUpper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
      *at++ = other ? static_cast<char>(c ^ 0x20) : c;
      ++i;
      continue;
    }
    const std::size_t bytes = point_bytes(text, i);
    // One character fits a string's inner buffer: nothing is allocated.
    const std::string changed =
        kUpper ? upper_unicode(text.substr(i, bytes)) : lower_unicode(text.substr(i, bytes));
    if (changed.size() > room - static_cast<std::size_t>(at - begin)) return Outcome::Failure;
    at = std::copy(changed.begin(), changed.end(), at);
    i += bytes;
  }
  const auto used = static_cast<std::size_t>(at - begin);
  arena.give_back(room - used);
  out = View(begin, used);
  return Outcome::Value;
}
template <bool kUpper>
struct ChangeCase {
  static Outcome apply(const Context& context, View a, View& d) {
    return change_case<kUpper>(context.arena, a, d);
  }
};

enum class Side : std::uint8_t { Left, Right, Both };

// The Unicode spaces (category Zs), which is what DuckDB's trim() takes away; not tabs and line
// ends.
bool is_space_point(View point) {
  static constexpr std::array<View, 17> kSpaces = {" ",
                                                   "\xC2\xA0",
                                                   "\xE1\x9A\x80",
                                                   "\xE2\x80\x80",
                                                   "\xE2\x80\x81",
                                                   "\xE2\x80\x82",
                                                   "\xE2\x80\x83",
                                                   "\xE2\x80\x84",
                                                   "\xE2\x80\x85",
                                                   "\xE2\x80\x86",
                                                   "\xE2\x80\x87",
                                                   "\xE2\x80\x88",
                                                   "\xE2\x80\x89",
                                                   "\xE2\x80\x8A",
                                                   "\xE2\x80\xAF",
                                                   "\xE2\x81\x9F",
                                                   "\xE3\x80\x80"};
  return std::find(kSpaces.begin(), kSpaces.end(), point) != kSpaces.end();
}
bool holds_point(View set, View point) {
  for (std::size_t at = 0; at < set.size(); at += point_bytes(set, at)) {
    if (set.substr(at, point_bytes(set, at)) == point) return true;
  }
  return false;
}
template <Side kSide, class IsTrimmed>
View trimmed(View text, IsTrimmed is_trimmed) {
  while (kSide != Side::Right && !text.empty() && is_trimmed(text.substr(0, point_bytes(text, 0))))
    text.remove_prefix(point_bytes(text, 0));
  while (kSide != Side::Left && !text.empty()) {
    std::size_t at = text.size() - 1;
    while (at > 0 && is_continuation(text[at])) --at;
    if (!is_trimmed(text.substr(at))) break;
    text = text.substr(0, at);
  }
  return text;
}
template <Side kSide>
struct Trim {
  static View apply(const Context&, View a) { return trimmed<kSide>(a, is_space_point); }
};
template <Side kSide>
struct TrimOf {
  static View apply(const Context&, View a, View b) {
    return trimmed<kSide>(a, [b](View point) { return holds_point(b, point); });
  }
};

struct Substring {
  // 1-based; a negative offset counts from the end; a negative length goes backwards; what lies
  // outside is dropped.
  static Outcome apply(const Context&, View text, Int offset, Int length, View& d) {
    const Int points = count_points(text);
    const Int start = bounded(offset) < 0 ? points + bounded(offset) : bounded(offset) - 1;
    const Int end = start + bounded(length);
    d = points_between(text, std::min(start, end), std::max(start, end), points);
    return Outcome::Value;
  }
};
struct SubstringFrom {
  static View apply(const Context&, View text, Int offset) {
    const Int points = count_points(text);
    const Int start = bounded(offset) < 0 ? points + bounded(offset) : bounded(offset) - 1;
    return points_between(text, start, points, points);
  }
};
struct Left {
  static View apply(const Context&, View text, Int count) {
    const Int points = count_points(text);
    return points_between(text, 0, count < 0 ? points + bounded(count) : count, points);
  }
};
struct Right {
  static View apply(const Context&, View text, Int count) {
    const Int points = count_points(text);
    return points_between(text, count < 0 ? -bounded(count) : points - bounded(count), points,
                          points);
  }
};

struct Replace {
  static Outcome apply(const Context& context, View text, View old, View by, View& d) {
    std::size_t hits = 0;
    if (!old.empty()) {
      for (std::size_t at = text.find(old); at != View::npos; at = text.find(old, at + old.size()))
        ++hits;
    }
    d = text;
    if (hits == 0) return Outcome::Value;
    const std::size_t kept = text.size() - hits * old.size();
    if (by.size() > kMaxTextBytes || hits > kMaxTextBytes / std::max<std::size_t>(1, by.size()))
      return Outcome::Failure;
    char* const begin = context.arena.take(kept + hits * by.size());
    if (begin == nullptr) return Outcome::Failure;
    char* out = begin;
    std::size_t from = 0;
    for (std::size_t at = text.find(old); at != View::npos; at = text.find(old, from)) {
      out = std::copy(text.begin() + static_cast<std::ptrdiff_t>(from),
                      text.begin() + static_cast<std::ptrdiff_t>(at), out);
      out = std::copy(by.begin(), by.end(), out);
      from = at + old.size();
    }
    out = std::copy(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), out);
    d = View(begin, static_cast<std::size_t>(out - begin));
    return Outcome::Value;
  }
};

Outcome join(Arena& arena, View a, View b, View& d) {
  char* begin = arena.take(a.size() + b.size());
  if (begin == nullptr) return Outcome::Failure;
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), begin));
  d = View(begin, a.size() + b.size());
  return Outcome::Value;
}
struct Concat {
  static Outcome apply(const Context& context, View a, View b, View& d) {
    return join(context.arena, a, b, d);
  }
};
// concat(): a missing text counts as the empty one.
void concat_present(Frame& frame, const Instruction& in) {
  const View* a = frame.values<View>(in.a);
  const View* b = frame.values<View>(in.b);
  const std::uint8_t* a_valid = frame.valid(in.a);
  const std::uint8_t* b_valid = frame.valid(in.b);
  frame.set_all_valid(in.dst);
  checked_lanes<View, OnFailure::Fail>(frame, in, [&](std::size_t i, View& out) {
    const bool left = a_valid == nullptr || a_valid[i] != 0;
    const bool right = b_valid == nullptr || b_valid[i] != 0;
    return join(frame.arena(), left ? a[i] : View(), right ? b[i] : View(), out);
  });
}

struct Contains {
  static std::uint8_t apply(const Context&, View a, View b) {
    return truth(a.find(b) != View::npos);
  }
};
struct StartsWith {
  static std::uint8_t apply(const Context&, View a, View b) { return truth(a.starts_with(b)); }
};
struct EndsWith {
  static std::uint8_t apply(const Context&, View a, View b) { return truth(a.ends_with(b)); }
};
struct Position {
  static Int apply(const Context&, View a, View b) {
    const std::size_t at = a.find(b);
    return at == View::npos ? 0 : count_points(a.substr(0, at)) + 1;
  }
};

// Greedy matching with one point of return, the latest %: time is at most text × pattern. What
// stands behind `escape` is itself; the pattern does not end with it.
bool is_like(View text, View pattern, std::optional<char> escape = std::nullopt) {
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = View::npos;
  std::size_t mark = 0;
  while (t < text.size()) {
    const bool escaped = p < pattern.size() && pattern[p] == escape;
    if (escaped && pattern[p + 1] == text[t]) {
      ++t;
      p += 2;
    } else if (!escaped && p < pattern.size() && pattern[p] == '%') {
      star = p++;
      mark = t;
    } else if (!escaped && p < pattern.size() && pattern[p] == '_') {
      t += point_bytes(text, t);
      ++p;
    } else if (!escaped && p < pattern.size() && pattern[p] == text[t]) {
      ++t;
      ++p;
    } else if (star != View::npos) {
      p = star + 1;
      mark += point_bytes(text, mark);
      t = mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%' && escape != '%') ++p;
  return p == pattern.size();
}
// Fails where the escape or the pattern's end is wrong.
Outcome is_like_with(View text, View pattern, View escape, std::uint8_t& d) {
  if (escape.size() > 1) return Outcome::Failure;
  std::optional<char> mark;
  if (!escape.empty()) mark = escape.front();
  for (std::size_t p = 0; p < pattern.size(); ++p) {
    if (pattern[p] == mark && ++p == pattern.size()) return Outcome::Failure;
  }
  d = truth(is_like(text, pattern, mark));
  return Outcome::Value;
}
struct Like {
  static std::uint8_t apply(const Context&, View a, View b) { return truth(is_like(a, b)); }
};
struct LikeEscaped {
  static Outcome apply(const Context&, View a, View b, View escape, std::uint8_t& d) {
    return is_like_with(a, b, escape, d);
  }
};
Outcome lower_both(Arena& arena, View& a, View& b) {
  const View text = a;
  const View pattern = b;
  const Outcome first = change_case<false>(arena, text, a);
  return first != Outcome::Value ? first : change_case<false>(arena, pattern, b);
}
// DuckDB compares the lower cases.
struct ILike {
  static Outcome apply(const Context& context, View a, View b, std::uint8_t& d) {
    if (lower_both(context.arena, a, b) != Outcome::Value) return Outcome::Failure;
    d = truth(is_like(a, b));
    return Outcome::Value;
  }
};
struct ILikeEscaped {
  static Outcome apply(const Context& context, View a, View b, View escape, std::uint8_t& d) {
    if (lower_both(context.arena, a, b) != Outcome::Value) return Outcome::Failure;
    return is_like_with(a, b, escape, d);
  }
};

template <bool kWhole>
struct Matches {
  static std::uint8_t apply(const Context& context, View a) {
    const auto& pattern = *static_cast<const Pattern*>(context.object);
    return truth(kWhole ? pattern.matches_whole(a) : pattern.occurs_in(a));
  }
};

template <Side kSide>
void add_trim(std::vector<Overload>& all, View name) {
  all.push_back({name, {Kind::Text}, Kind::Text, &unary<Trim<kSide>>});
  all.push_back({name, {Kind::Text, Kind::Text}, Kind::Text, &binary<TrimOf<kSide>>});
}

std::vector<Overload> make() {
  using enum Kind;
  std::vector<Overload> all = {
      {"||", {Text, Text}, Text, &checked_binary<Concat>, kTooLong},
      {"concat", {Text, Text}, Text, &concat_present, kTooLong},
      {"strlen", {Text}, Int64, &unary<ByteLength>},
      {"left", {Text, Int64}, Text, &binary<Left>},
      {"right", {Text, Int64}, Text, &binary<Right>},
      {"replace", {Text, Text, Text}, Text, &checked_ternary<Replace>, kTooLong},
      {"contains", {Text, Text}, Bool, &binary<Contains>},
      {"like", {Text, Text}, Bool, &binary<Like>},
      {"like", {Text, Text, Text}, Bool, &checked_ternary<LikeEscaped>, kBadEscape},
      {"ilike", {Text, Text}, Bool, &checked_binary<ILike>, kTooLong},
      {"ilike", {Text, Text, Text}, Bool, &checked_ternary<ILikeEscaped>, kBadEscape},
      {"regexp_matches", {Text}, Bool, &unary<Matches<false>>},
      {"regexp_full_match", {Text}, Bool, &unary<Matches<true>>},
  };
  for (const View name : {"length", "len", "char_length", "character_length"})
    all.push_back({name, {Text}, Int64, &unary<Length>});
  for (const View name : {"lower", "lcase"})
    all.push_back({name, {Text}, Text, &checked_unary<ChangeCase<false>>, kTooLong});
  for (const View name : {"upper", "ucase"})
    all.push_back({name, {Text}, Text, &checked_unary<ChangeCase<true>>, kTooLong});
  for (const View name : {"substring", "substr"}) {
    all.push_back({name, {Text, Int64}, Text, &binary<SubstringFrom>});
    all.push_back({name, {Text, Int64, Int64}, Text, &checked_ternary<Substring>});
  }
  for (const View name : {"starts_with", "prefix"})
    all.push_back({name, {Text, Text}, Bool, &binary<StartsWith>});
  for (const View name : {"ends_with", "suffix"})
    all.push_back({name, {Text, Text}, Bool, &binary<EndsWith>});
  for (const View name : {"strpos", "instr", "position"})
    all.push_back({name, {Text, Text}, Int64, &binary<Position>});
  add_trim<Side::Both>(all, "trim");
  add_trim<Side::Left>(all, "ltrim");
  add_trim<Side::Right>(all, "rtrim");
  return all;
}

}  // namespace

std::span<const Overload> text_overloads() {
  static const std::vector<Overload> all = make();
  return all;
}

}  // namespace martlet::expr
