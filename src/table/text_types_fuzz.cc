// Any bytes as the fields of a delimited file, as its reader hands them on: a type is found, and
// every value is of it.
#include "base/text.h"
#include "table/internal/text_types.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace martlet;
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  if (!is_valid_utf8(text)) return 0;  // the reader refuses it before
  table::TextRules rules;
  rules.trim = (bytes[0] & 1) != 0;
  rules.decimal = (bytes[0] & 2) != 0 ? ',' : '.';
  if ((bytes[0] & 4) != 0) rules.nulls = {"NA", "?"};
  if ((bytes[0] & 8) != 0) rules.zone = *Zone::find("America/New_York");
  std::vector<std::string> fields;
  for (const std::string_view field : split(text, '\n')) fields.emplace_back(field);
  table::TypeFinder finder(rules.decimal);
  for (const std::string& field : fields) {
    if (const auto present = rules.present(field); present.has_value()) finder.see(*present);
  }
  const columns::Column texts = columns::Column::of_texts(fields);
  columns::ColumnBuilder builder(finder.type());
  MARTLET_CHECK(!table::convert_texts(texts, finder.type(), rules, builder).has_value(),
                "the type that was found fits every value");
  MARTLET_CHECK(builder.finish().size() == fields.size(), "a value for each field");
  // Declared types may not fit, which is told.
  for (const columns::Type type : {columns::Type::Bool, columns::Type::Int64, columns::Type::Double,
                                   columns::Type::Date, columns::Type::Timestamp}) {
    columns::ColumnBuilder declared(type);
    static_cast<void>(table::convert_texts(texts, type, rules, declared));
  }
  return 0;
}
