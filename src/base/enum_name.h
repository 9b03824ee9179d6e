// base/enum_name.h: the names of an enumeration whose values are 0, 1, 2 …, in that order.
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

namespace martlet {

template <class E, std::size_t N>
std::string_view enum_name(const std::array<std::string_view, N>& names, E value) {
  return names[static_cast<std::size_t>(value)];
}

// Whether one of them has this name; `target` is left alone otherwise.
template <class E, std::size_t N>
bool find_enum(const std::array<std::string_view, N>& names, std::string_view text, E& target) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] != text) continue;
    target = static_cast<E>(i);
    return true;
  }
  return false;
}

}  // namespace martlet
