#include "features/internal/categories.h"

#include "base/quantity.h"

#include <bit>
#include <cmath>

namespace martlet::features {

using columns::Cell;
using columns::Type;

std::int64_t category_key(const Cell& cell) {
  if (cell.type == Type::Bool) return cell.boolean ? 1 : 0;
  if (cell.type == Type::Double)
    return std::bit_cast<std::int64_t>(cell.number == 0 ? 0.0 : cell.number);
  return cell.integer;
}

bool is_missing_category(const Cell& cell) {
  return cell.missing || (cell.type == Type::Double && std::isnan(cell.number));
}

std::uint64_t category_hash(const Cell& cell) {
  constexpr std::uint64_t kPrime = 0x100000001b3ULL;
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  if (cell.type == Type::Text) {
    for (const char letter : cell.text) hash = (hash ^ static_cast<unsigned char>(letter)) * kPrime;
  } else {
    auto key = static_cast<std::uint64_t>(category_key(cell));
    for (int i = 0; i < 8; ++i, key >>= 8) hash = (hash ^ (key & 0xff)) * kPrime;
  }
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

bool Categories::add(const Cell& cell) {
  const int code = static_cast<int>(size());
  if (type_ == Type::Text) {
    if (!text_codes_.emplace(std::string(cell.text), code).second) return false;
    texts_.emplace_back(cell.text);
    return true;
  }
  const std::int64_t key = category_key(cell);
  if (!key_codes_.emplace(key, code).second) return false;
  keys_.push_back(key);
  return true;
}

int Categories::find(const Cell& cell) const {
  if (is_missing_category(cell)) return kMissing;
  if (type_ == Type::Text) {
    const auto found = text_codes_.find(cell.text);
    return found == text_codes_.end() ? kUnseen : found->second;
  }
  const auto found = key_codes_.find(category_key(cell));
  return found == key_codes_.end() ? kUnseen : found->second;
}

Cell Categories::cell_of_key(std::int64_t key) const {
  switch (type_) {
    case Type::Bool: return Cell::of_bool(key != 0);
    case Type::Double: return Cell::of_double(std::bit_cast<double>(key));
    case Type::Timestamp: return Cell::of_timestamp({key});
    case Type::Date: return Cell::of_date(key);
    default: return Cell::of_int64(key);
  }
}

std::string Categories::name(std::size_t code) const {
  return type_ == Type::Text ? texts_[code] : columns::to_text(cell_of_key(keys_[code]));
}

// Keys are written as texts: the canonical form of JSON would otherwise turn large integers into
// texts on the way.
Json Categories::to_json() const {
  if (type_ == Type::Text) return Json(texts_);
  Json list = Json::array();
  for (const std::int64_t key : keys_) list.push_back(std::to_string(key));
  return list;
}

Result<Categories> Categories::from_json(const Json& json, Type type) {
  if (!json.is_array()) return corrupt("categories must be a list");
  Categories categories(type);
  for (const Json& item : json) {
    if (!item.is_string()) return corrupt("categories must be texts");
    const std::string& text = item.get_ref<const std::string&>();
    Cell cell = Cell::of_text(text);
    if (type != Type::Text) {
      MARTLET_TRY_SET(const std::int64_t key, parse_integer(text));
      cell = categories.cell_of_key(key);
    }
    if (is_missing_category(cell) || !categories.add(cell))
      return corrupt("the category " + text + " stands twice or is no value");
  }
  return categories;
}

}  // namespace martlet::features
