#include "columns/batch.h"

#include "base/text.h"

#include <algorithm>

namespace martlet::columns {

Batch::Batch(Schema schema, std::vector<Column> columns)
    : schema_(std::move(schema)), columns_(std::move(columns)) {
  MARTLET_CHECK(schema_.size() == columns_.size(), "a batch needs a column for each field");
  rows_ = columns_.empty() ? 0 : columns_.front().size();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    MARTLET_CHECK(columns_[i].size() == rows_, "a batch's columns must be of one length");
    MARTLET_CHECK(columns_[i].type() == schema_[i].type,
                  "a batch's columns must have their fields' types");
  }
}

const Column* Batch::find(std::string_view name) const {
  const auto index = schema_.find(name);
  return index.has_value() ? &columns_[*index] : nullptr;
}

Result<const Column*> Batch::column(std::string_view name) const {
  if (const Column* found = find(name); found != nullptr) return found;
  const std::vector<std::string> names = schema_.names();
  return not_found("there is no column \"" + std::string(name) + "\"" + did_you_mean(name, names) +
                   "; the columns are " + join(names, ", "));
}

Row Batch::row(std::size_t i) const {
  Row row;
  for (const Column& column : columns_) row.push_back(column.cell(i));
  return row;
}

Batch Batch::slice(std::size_t begin, std::size_t count) const {
  std::vector<Column> cut;
  cut.reserve(columns_.size());
  for (const Column& column : columns_) cut.push_back(column.slice(begin, count));
  return Batch(schema_, std::move(cut));
}

Batch Batch::take(std::span<const std::uint32_t> rows) const {
  std::vector<Column> taken;
  taken.reserve(columns_.size());
  for (const Column& column : columns_) taken.push_back(column.take(rows));
  return Batch(schema_, std::move(taken));
}

Result<Batch> Batch::select(std::span<const std::string> names) const {
  std::vector<Field> fields;
  std::vector<Column> chosen;
  for (const std::string& name : names) {
    MARTLET_TRY_SET(const Column* found, column(name));
    fields.push_back({name, found->type()});
    chosen.push_back(*found);
  }
  return Batch(Schema(std::move(fields)), std::move(chosen));
}

Batch Batch::with(std::string name, Column column) const {
  std::vector<Field> fields = schema_.fields();
  std::vector<Column> columns = columns_;
  const Field field{std::move(name), column.type()};
  if (const auto index = schema_.find(field.name); index.has_value()) {
    fields[*index] = field;
    columns[*index] = std::move(column);
  } else {
    fields.push_back(field);
    columns.push_back(std::move(column));
  }
  return Batch(Schema(std::move(fields)), std::move(columns));
}

Batch Batch::without(std::span<const std::string> names) const {
  std::vector<Field> fields;
  std::vector<Column> columns;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (std::find(names.begin(), names.end(), schema_[i].name) != names.end()) continue;
    fields.push_back(schema_[i]);
    columns.push_back(columns_[i]);
  }
  return Batch(Schema(std::move(fields)), std::move(columns));
}

Result<Batch> Batch::append(const Batch& other) const {
  if (width() == 0) return other;
  if (schema_ != other.schema_)
    return invalid_argument("rows of different schemas can't be put below each other");
  std::vector<Column> columns;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    ColumnBuilder builder(schema_[i].type);
    builder.reserve(rows_ + other.rows_);
    for (std::size_t row = 0; row < rows_; ++row) builder.push(columns_[i].cell(row));
    for (std::size_t row = 0; row < other.rows_; ++row) builder.push(other.columns_[i].cell(row));
    columns.push_back(builder.finish());
  }
  return Batch(schema_, std::move(columns));
}

bool Batch::equals(const Batch& other) const {
  if (schema_ != other.schema_ || rows_ != other.rows_) return false;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!columns_[i].equals(other.columns_[i])) return false;
  }
  return true;
}

}  // namespace martlet::columns
