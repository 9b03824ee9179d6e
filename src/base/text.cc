#include "base/text.h"

#include <utf8proc.h>

#include <algorithm>

namespace martlet {

namespace {
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

template <class Map>
std::string map_points(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      out += static_cast<char>(map(static_cast<unsigned char>(text[at])));
      ++at;
      continue;
    }
    utf8proc_int32_t point = -1;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
    const utf8proc_ssize_t length =
        utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &point);
    if (length <= 0) {
      out += text[at++];
      continue;
    }
    utf8proc_uint8_t encoded[4];
    const utf8proc_ssize_t written = utf8proc_encode_char(map(point), encoded);
    out.append(reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(written));
    at += static_cast<std::size_t>(length);
  }
  return out;
}
}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = text.find(separator, start);
    parts.push_back(text.substr(start, end == std::string_view::npos ? end : end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_valid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    utf8proc_int32_t point = 0;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
    const utf8proc_ssize_t length =
        utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &point);
    if (length <= 0) return false;
    at += static_cast<std::size_t>(length);
  }
  return true;
}

std::size_t character_count(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

std::string lower_unicode(std::string_view text) {
  return map_points(text, [](utf8proc_int32_t point) { return utf8proc_tolower(point); });
}
std::string upper_unicode(std::string_view text) {
  return map_points(text, [](utf8proc_int32_t point) { return utf8proc_toupper(point); });
}

std::string nearest(std::string_view name, std::span<const std::string> candidates) {
  const std::string wanted = lower_ascii(name.substr(0, 200));
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, wanted.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::string known = lower_ascii(candidate);
    const std::size_t longer = std::max(known.size(), wanted.size());
    const std::size_t shorter = std::min(known.size(), wanted.size());
    if (known.size() > 200 || longer - shorter >= best_distance) continue;  // as far at least
    // Edit distance with transpositions (optimal string alignment), three rows.
    std::vector<std::size_t> before(known.size() + 1), previous(known.size() + 1),
        row(known.size() + 1);
    for (std::size_t j = 0; j <= known.size(); ++j) previous[j] = j;
    for (std::size_t i = 1; i <= wanted.size(); ++i) {
      row[0] = i;
      for (std::size_t j = 1; j <= known.size(); ++j) {
        const std::size_t change = previous[j - 1] + (wanted[i - 1] == known[j - 1] ? 0 : 1);
        row[j] = std::min({previous[j] + 1, row[j - 1] + 1, change});
        if (i > 1 && j > 1 && wanted[i - 1] == known[j - 2] && wanted[i - 2] == known[j - 1]) {
          row[j] = std::min(row[j], before[j - 2] + 1);
        }
      }
      std::swap(before, previous);
      std::swap(previous, row);
    }
    if (previous[known.size()] < best_distance) {
      best_distance = previous[known.size()];
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const std::string best = nearest(name, candidates);
  return best.empty() ? "" : " (did you mean \"" + best + "\"?)";
}

}  // namespace martlet
