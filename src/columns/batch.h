// columns/batch.h: a table in memory: a schema and its columns, all of one length. A value; columns
// are shared, so copies are cheap.
#pragma once
#include "columns/column.h"
#include "columns/schema.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::columns {

class Batch {
 public:
  Batch() = default;
  // MARTLET_CHECKs that types match the schema and lengths agree.
  Batch(Schema schema, std::vector<Column> columns);

  const Schema& schema() const { return schema_; }
  std::size_t rows() const { return rows_; }
  std::size_t width() const { return columns_.size(); }
  const Column& column(std::size_t i) const { return columns_[i]; }
  const std::vector<Column>& columns() const { return columns_; }
  // nullptr when there's none of that name.
  const Column* find(std::string_view name) const;
  // NotFound, with the nearest name.
  Result<const Column*> column(std::string_view name) const;

  Row row(std::size_t i) const;
  Batch slice(std::size_t begin, std::size_t count) const;
  Batch take(std::span<const std::uint32_t> rows) const;
  // The named columns in the given order. NotFound.
  Result<Batch> select(std::span<const std::string> names) const;
  // Adds or replaces a column.
  Batch with(std::string name, Column column) const;
  Batch without(std::span<const std::string> names) const;
  // Rows of `other` behind these. InvalidArgument unless the schemas are equal.
  Result<Batch> append(const Batch& other) const;
  bool equals(const Batch& other) const;

 private:
  Schema schema_;
  std::vector<Column> columns_;
  std::size_t rows_ = 0;
};

}  // namespace martlet::columns
