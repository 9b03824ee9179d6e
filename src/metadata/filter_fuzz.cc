// Texts of the search language, and what they become for each kind of column.
#include "metadata/filter.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace martlet;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto clauses = metadata::parse_filter(text);
  if (clauses.has_value()) {
    for (const metadata::FilterClause& clause : *clauses) {
      (void)metadata::text_condition(clause, "text");
      (void)metadata::integer_condition(clause, "integer");
      (void)metadata::number_condition(clause, "number");
      (void)metadata::text_holds(clause, "some text");
    }
  }
  (void)metadata::parse_filter_order(text);
  return 0;
}
