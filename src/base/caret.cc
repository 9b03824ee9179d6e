#include "base/caret.h"

#include "base/result.h"
#include "base/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace martlet {

namespace {

constexpr std::size_t kWindowCells = 76;  // with an indent of four, a terminal of 80

struct Character {
  std::string_view bytes;
  std::size_t cells = 1;
};

std::string_view line_of(std::string_view text, int line) {
  for (int at = 1; at < line; ++at) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

std::vector<Character> characters_of(std::string_view line) {
  std::vector<Character> all;
  while (!line.empty()) {
    utf8proc_int32_t point = -1;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(line.data());
    const utf8proc_ssize_t length =
        utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(line.size()), &point);
    const std::size_t taken = length > 0 ? static_cast<std::size_t>(length) : 1;
    const bool is_shown = point >= 0 && utf8proc_category(point) != UTF8PROC_CATEGORY_CC;
    if (is_shown)
      all.push_back({line.substr(0, taken), static_cast<std::size_t>(utf8proc_charwidth(point))});
    else
      all.push_back({" ", 1});
    line.remove_prefix(taken);
  }
  return all;
}

std::size_t cells_of(const std::vector<Character>& all, std::size_t begin, std::size_t end) {
  std::size_t cells = 0;
  for (std::size_t i = begin; i < end; ++i) cells += all[i].cells;
  return cells;
}

}  // namespace

std::size_t offset_of(std::string_view text, int line, int column) {
  const auto* const begin = line_of(text, line).data();
  std::size_t at = static_cast<std::size_t>(begin - text.data());
  const auto continues = [&] { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  for (int seen = 1; seen < column && at < text.size() && text[at] != '\n'; ++seen) {
    ++at;
    while (at < text.size() && continues()) ++at;
  }
  return at;
}

std::string with_caret(std::string_view text, int line, int column) {
  const std::vector<Character> all = characters_of(line_of(text, line));
  const std::size_t place = std::min(all.size(), static_cast<std::size_t>(std::max(column, 1)) - 1);
  // Half of the window lies before the place at most, unless the line ends soon; a cut takes a
  // cell.
  std::size_t begin = 0;
  std::size_t end = all.size();
  if (cells_of(all, 0, end) > kWindowCells) {
    begin = place;
    std::size_t cells = 0;
    while (begin > 0 && cells + all[begin - 1].cells < kWindowCells / 2)
      cells += all[--begin].cells;
    const std::size_t room = kWindowCells - 2;
    end = place;
    while (end < all.size() && cells + all[end].cells <= room) cells += all[end++].cells;
    while (begin > 0 && cells + all[begin - 1].cells <= room) cells += all[--begin].cells;
  }
  std::string shown = begin > 0 ? "…" : "";
  for (std::size_t i = begin; i < end; ++i) shown += all[i].bytes;
  if (end < all.size()) shown += "…";
  const std::size_t before = cells_of(all, begin, place) + (begin > 0 ? 1 : 0);
  return shown + "\n" + std::string(before, ' ') + "^";
}

std::string message_in(std::string_view noun, std::string_view text, const Finding& finding) {
  if (finding.column <= 0) return finding.message;
  std::string message = finding.message + " (";
  if (text.find('\n') != std::string_view::npos)
    message += "line " + std::to_string(finding.line) + ", ";
  message += "column " + std::to_string(finding.column) + " of the " + std::string(noun) + ")";
  if (trim(text).empty()) return message;
  const std::string caret = with_caret(text, finding.line, finding.column);
  constexpr std::string_view kIndent = "\n    ";
  const std::size_t end = caret.rfind('\n');
  return message.append(kIndent).append(caret, 0, end).append(kIndent).append(caret, end + 1);
}

void add_findings_in(std::string_view noun, std::string_view text, const Error& error,
                     const Finding& origin, std::vector<Finding>& findings) {
  const auto add = [&](std::string rule, const std::string& message) {
    Finding finding = origin;
    finding.rule = std::move(rule);
    finding.message += message;
    findings.push_back(std::move(finding));
  };
  for (const Finding& found : error.findings()) add(found.rule, message_in(noun, text, found));
  if (error.findings().empty()) add("syntax", error.message());
}

}  // namespace martlet
