// base/text.h: small operations on text that several modules need: splitting, trimming, and the
// nearest known name for "did you mean".
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet {

std::string_view trim(std::string_view text);  // ASCII white space
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string lower_ascii(std::string_view text);
bool is_valid_utf8(std::string_view text);
std::size_t character_count(std::string_view utf8);  // code points of valid UTF-8

// Unicode simple case mapping, character by character, equal to DuckDB's upper() and lower() (both
// use utf8proc). Invalid bytes pass unchanged.
std::string lower_unicode(std::string_view text);
std::string upper_unicode(std::string_view text);

// The candidate with the smallest edit distance (case-insensitive), if it is near enough to be a
// likely slip; else "".
std::string nearest(std::string_view name, std::span<const std::string> candidates);
// " (did you mean \"x\"?)" or "".
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace martlet
