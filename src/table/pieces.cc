#include "table/pieces.h"

#include "base/result.h"

#include <utility>

namespace martlet::table {

using columns::Batch;
using columns::Column;
using columns::Type;

namespace {

Column join(const std::vector<Batch>& pieces, std::size_t c, std::size_t rows) {
  const Type type = pieces.front().column(c).type();
  std::vector<std::uint8_t> valid;
  std::vector<std::uint8_t> bools;
  std::vector<std::int64_t> integers;
  std::vector<double> doubles;
  columns::Texts texts;
  const auto append = [rows](auto& to, auto from) {
    to.reserve(rows);
    to.insert(to.end(), from.begin(), from.end());
  };
  std::size_t done = 0;
  for (const Batch& piece : pieces) {
    const Column& column = piece.column(c);
    if (!column.valid().empty()) {
      valid.resize(done, 1);
      append(valid, column.valid());
    } else if (!valid.empty()) {
      valid.resize(done + column.size(), 1);
    }
    done += column.size();
    switch (type) {
      case Type::Bool: append(bools, column.bools()); break;
      case Type::Double: append(doubles, column.doubles()); break;
      case Type::Text:
        for (std::size_t i = 0; i < column.size(); ++i) texts.push_back(column.text(i));
        break;
      default: append(integers, column.int64s()); break;
    }
  }
  switch (type) {
    case Type::Bool: return Column::of_bools(std::move(bools), std::move(valid));
    case Type::Int64: return Column::of_int64s(std::move(integers), std::move(valid));
    case Type::Double: return Column::of_doubles(std::move(doubles), std::move(valid));
    case Type::Text: return Column::of_texts(std::move(texts), std::move(valid));
    case Type::Timestamp: return Column::of_timestamps(std::move(integers), std::move(valid));
    case Type::Date: return Column::of_dates(std::move(integers), std::move(valid));
  }
  return {};
}

}  // namespace

Batch join_pieces(const std::vector<Batch>& pieces) {
  if (pieces.empty()) return {};
  if (pieces.size() == 1) return pieces.front();
  std::size_t rows = 0;
  for (const Batch& piece : pieces) {
    MARTLET_CHECK(piece.schema() == pieces.front().schema(), "pieces of one table have one schema");
    rows += piece.rows();
  }
  std::vector<Column> columns;
  for (std::size_t c = 0; c < pieces.front().width(); ++c) columns.push_back(join(pieces, c, rows));
  return Batch(pieces.front().schema(), std::move(columns));
}

}  // namespace martlet::table
