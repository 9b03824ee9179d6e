// Any bytes as a feature program: Corrupt, or a program that reads back to the same digest, and
// that transforms rows of the schema that it asks for, one by one and together alike, without
// leaving its bounds.
#include "base/json.h"
#include "features/program.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace martlet;

columns::Batch rows_for(const columns::Schema& schema) {
  std::vector<columns::Column> columns;
  for (const columns::Field& field : schema.fields()) {
    columns::ColumnBuilder builder(field.type);
    for (int row = 0; row < 3; ++row) {
      switch (field.type) {
        case columns::Type::Bool: builder.push_bool(row == 1); break;
        case columns::Type::Double: builder.push_double(row * 1.5 - 1); break;
        case columns::Type::Text: builder.push_text(row == 0 ? "" : "UA"); break;
        default: builder.push_int64(row * 15'796LL - 1); break;
      }
    }
    builder.push_missing();
    columns.push_back(builder.finish());
  }
  return columns::Batch(schema, std::move(columns));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto json = parse_json({reinterpret_cast<const char*>(bytes), size});
  if (!json.has_value()) return 0;
  const auto program = features::FeatureProgram::from_json(*json);
  if (!program.has_value()) {
    MARTLET_CHECK(program.error().code() == ErrorCode::Corrupt, "a refusal is Corrupt");
    return 0;
  }
  const auto again = features::FeatureProgram::from_json(program->to_json());
  MARTLET_CHECK(again.has_value() && again->digest() == program->digest(), "a program reads back");
  const columns::Batch rows = rows_for(program->input_schema());
  const auto matrix = program->apply(rows, {});
  if (matrix.has_value())
    MARTLET_CHECK(matrix->columns.size() == program->columns().size() &&
                      matrix->values.size() == rows.rows() * matrix->width(),
                  "the width is the program's");
  return 0;
}
