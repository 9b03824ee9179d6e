// The categories that a column had in training, and how a value finds its own. Internal to
// features.
#pragma once
#include "columns/cell.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace martlet::features {

// Beside the codes 0 … size()-1.
inline constexpr int kUnseen = -1;
inline constexpr int kMissing = -2;

// What identifies a value of a type other than text: the number itself; for doubles their bits,
// with -0 as 0.
std::int64_t category_key(const columns::Cell& cell);
// True for a missing cell and for NaN.
bool is_missing_category(const columns::Cell& cell);
// A fixed 64-bit hash (FNV-1a over the text, or over the key's eight bytes from the lowest, then
// splitmix64's finaliser): part of what a program means, so it never changes.
std::uint64_t category_hash(const columns::Cell& cell);

class Categories {
 public:
  Categories() = default;
  explicit Categories(columns::Type type) : type_(type) {}

  columns::Type type() const { return type_; }
  std::size_t size() const { return type_ == columns::Type::Text ? texts_.size() : keys_.size(); }
  // Adds the next code. False when the value already has one.
  bool add(const columns::Cell& cell);
  // Its code, kUnseen or kMissing. Doesn't allocate.
  int find(const columns::Cell& cell) const;
  // As a person would write it.
  std::string name(std::size_t code) const;

  Json to_json() const;
  static Result<Categories> from_json(const Json& json, columns::Type type);

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  columns::Cell cell_of_key(std::int64_t key) const;

  columns::Type type_ = columns::Type::Text;
  std::vector<std::string> texts_;
  std::vector<std::int64_t> keys_;
  std::unordered_map<std::string, int, TextHash, std::equal_to<>> text_codes_;
  std::unordered_map<std::int64_t, int> key_codes_;
};

}  // namespace martlet::features
