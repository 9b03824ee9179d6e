#include "net/byte_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace martlet::net {
namespace {

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Plain digits; what is beyond 64 bits is as good as the largest number.
std::optional<std::uint64_t> number_of(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  std::uint64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc())
    return UINT64_MAX;
  return number;
}

std::string_view without_weakness(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  return tag;
}

}  // namespace

RangeRequest parse_range(std::string_view value, std::uint64_t size_bytes) {
  constexpr std::string_view kUnit = "bytes=";
  const bool is_bytes =
      value.size() >= kUnit.size() &&
      std::equal(kUnit.begin(), kUnit.end(), value.begin(),
                 [](char wanted, char c) { return c == wanted || (c | 0x20) == wanted; }) &&
      value[kUnit.size() - 1] == '=';
  if (!is_bytes) return {};
  const std::string_view one = trim_blanks(value.substr(kUnit.size()));
  const std::size_t dash = one.find('-');
  if (dash == std::string_view::npos) return {};
  const std::optional<std::uint64_t> last = number_of(one.substr(dash + 1));
  if (dash == 0) {  // the last so many bytes
    if (!last.has_value()) return {};
    if (*last == 0) return {RangeRequest::Kind::Unsatisfiable, {}};
    if (size_bytes == 0) return {};  // all of nothing, which no Content-Range can say
    const std::uint64_t part = std::min(*last, size_bytes);
    return {RangeRequest::Kind::Part, {size_bytes - part, part}};
  }
  const std::optional<std::uint64_t> first = number_of(one.substr(0, dash));
  const bool open_ended = dash + 1 == one.size();
  if (!first.has_value() || (!open_ended && (!last.has_value() || *last < *first))) return {};
  if (*first >= size_bytes) return {RangeRequest::Kind::Unsatisfiable, {}};
  const std::uint64_t end = open_ended ? size_bytes - 1 : std::min(*last, size_bytes - 1);
  return {RangeRequest::Kind::Part, {*first, end - *first + 1}};
}

bool names_tag(std::string_view list, std::string_view etag) {
  if (trim_blanks(list) == "*") return true;
  if (etag.empty()) return false;
  const std::string_view wanted = without_weakness(etag);
  while (!(list = trim_blanks(list)).empty()) {
    if (list.front() == ',') {
      list.remove_prefix(1);
      continue;
    }
    std::string_view tag = list;
    const std::size_t open = list.find('"');
    const std::size_t close =
        open == std::string_view::npos ? open : list.find('"', open + 1);  // a comma may lie within
    if (close == std::string_view::npos) return false;
    tag = list.substr(0, close + 1);
    if (without_weakness(tag) == wanted) return true;
    list.remove_prefix(close + 1);
  }
  return false;
}

std::string entity_tag(std::string_view opaque) {
  MARTLET_CHECK(
      std::ranges::all_of(opaque, [](char c) { return c > 0x20 && c < 0x7F && c != '"'; }),
      "an entity tag is made of visible characters");
  return fmt::format("\"{}\"", opaque);
}

Response content_response(const Request& request, Content content) {
  const std::uint64_t size_bytes = content.source->size_bytes();
  Response response;
  response.headers = std::move(content.headers);
  if (!content.etag.empty()) response.headers.emplace_back("ETag", content.etag);
  if (const std::string_view known = request.header("if-none-match");
      !known.empty() && names_tag(known, content.etag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Accept-Ranges", "bytes");
  RangeRequest asked;
  // The condition is compared strongly; a date, for which we keep none, does not hold.
  const bool unchanged = !request.has_header("if-range") ||
                         (!content.etag.empty() && !content.etag.starts_with("W/") &&
                          request.header("if-range") == content.etag);
  if (request.method == Method::Get && unchanged)
    asked = parse_range(request.header("range"), size_bytes);
  if (asked.kind == RangeRequest::Kind::Unsatisfiable) {
    Response refusal =
        problem_response({416, "range_not_satisfiable",
                          fmt::format("the content has {} bytes; there is nothing at \"{}\"",
                                      size_bytes, request.header("range")),
                          request.id});
    refusal.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size_bytes));
    return refusal;
  }
  response.content_type = std::move(content.content_type);
  if (asked.kind == RangeRequest::Kind::Whole) {
    response.source = std::move(content.source);
    return response;
  }
  const auto [offset, part] = asked.range;
  response.status = 206;
  response.headers.emplace_back(
      "Content-Range", fmt::format("bytes {}-{}/{}", offset, offset + part - 1, size_bytes));
  response.source = slice_of(std::move(content.source), offset, part);
  return response;
}

}  // namespace martlet::net
