// table/internal/text_types.h: what type a column of texts has, and its values in that type.
#pragma once
#include "base/result.h"
#include "base/zone.h"
#include "columns/column.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::table {

struct TextRules {
  std::vector<std::string> nulls = {};
  bool trim = false;
  char decimal = '.';
  Zone zone = Zone::utc();

  // The value to look at; nullopt when it is missing.
  std::optional<std::string_view> present(std::string_view text) const;
};

// Narrows down the type while values go by.
class TypeFinder {
 public:
  explicit TypeFinder(char decimal) : decimal_(decimal) {}
  void see(std::string_view text);
  columns::Type type() const;

 private:
  char decimal_;
  bool any_ = false;
  bool boolean_ = true;
  bool integer_ = true;
  bool number_ = true;
  bool date_ = true;
  bool time_ = true;
};

// Appends the texts to `builder` as values of `type`; InvalidArgument with the place of the first
// that is none.
struct Misfit {
  std::size_t row = 0;
  std::string reason;
};
std::optional<Misfit> convert_texts(const columns::Column& texts, columns::Type type,
                                    const TextRules& rules, columns::ColumnBuilder& builder);

}  // namespace martlet::table
