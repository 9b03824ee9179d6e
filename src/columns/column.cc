#include "columns/column.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace martlet::columns {

struct Column::Storage {
  Type type = Type::Double;
  std::size_t size = 0;
  std::size_t missing = 0;
  std::vector<std::uint8_t> bools;
  std::vector<std::int64_t> integers;
  std::vector<double> doubles;
  Texts texts;
  std::vector<std::uint8_t> valid;  // empty when nothing is missing
};

namespace {
bool holds_integers(Type type) {
  return type == Type::Int64 || type == Type::Timestamp || type == Type::Date;
}

template <class S>
std::shared_ptr<S> with_validity(Type type, std::size_t size, std::vector<std::uint8_t> valid) {
  auto storage = std::make_shared<S>();
  MARTLET_CHECK(valid.empty() || valid.size() == size,
                "a validity mask must be as long as its column");
  storage->type = type;
  storage->size = size;
  storage->missing =
      static_cast<std::size_t>(std::count(valid.begin(), valid.end(), std::uint8_t{0}));
  if (storage->missing > 0) storage->valid = std::move(valid);
  return storage;
}
}  // namespace

Column::Column() : storage_(std::make_shared<const Storage>()) {}

Column Column::of_bools(std::vector<std::uint8_t> values, std::vector<std::uint8_t> valid) {
  auto storage = with_validity<Storage>(Type::Bool, values.size(), std::move(valid));
  storage->bools = std::move(values);
  return Column(std::move(storage));
}

namespace {
template <class S>
std::shared_ptr<S> integers_of(Type type, std::vector<std::int64_t> values,
                               std::vector<std::uint8_t> valid) {
  auto storage = with_validity<S>(type, values.size(), std::move(valid));
  storage->integers = std::move(values);
  return storage;
}
}  // namespace

Column Column::of_int64s(std::vector<std::int64_t> values, std::vector<std::uint8_t> valid) {
  return Column(integers_of<Storage>(Type::Int64, std::move(values), std::move(valid)));
}
Column Column::of_timestamps(std::vector<std::int64_t> micros, std::vector<std::uint8_t> valid) {
  return Column(integers_of<Storage>(Type::Timestamp, std::move(micros), std::move(valid)));
}
Column Column::of_dates(std::vector<std::int64_t> days, std::vector<std::uint8_t> valid) {
  return Column(integers_of<Storage>(Type::Date, std::move(days), std::move(valid)));
}

Column Column::of_doubles(std::vector<double> values, std::vector<std::uint8_t> valid) {
  auto storage = with_validity<Storage>(Type::Double, values.size(), std::move(valid));
  storage->doubles = std::move(values);
  return Column(std::move(storage));
}

Column Column::of_texts(Texts values, std::vector<std::uint8_t> valid) {
  auto storage = with_validity<Storage>(Type::Text, values.size(), std::move(valid));
  storage->texts = std::move(values);
  return Column(std::move(storage));
}

Column Column::of_texts(const std::vector<std::string>& values, std::vector<std::uint8_t> valid) {
  Texts texts;
  for (const std::string& value : values) texts.push_back(value);
  return of_texts(std::move(texts), std::move(valid));
}

Column Column::missing(Type type, std::size_t size) {
  ColumnBuilder builder(type);
  builder.reserve(size);
  for (std::size_t i = 0; i < size; ++i) builder.push_missing();
  return builder.finish();
}

Column Column::repeat(const Cell& cell, std::size_t size) {
  ColumnBuilder builder(cell.type);
  builder.reserve(size);
  for (std::size_t i = 0; i < size; ++i) builder.push(cell);
  return builder.finish();
}

Type Column::type() const { return storage_->type; }
std::size_t Column::size() const { return storage_->size; }
std::size_t Column::missing_count() const { return storage_->missing; }
bool Column::is_missing(std::size_t i) const {
  return !storage_->valid.empty() && storage_->valid[i] == 0;
}
std::span<const std::uint8_t> Column::valid() const { return storage_->valid; }

std::span<const std::uint8_t> Column::bools() const {
  MARTLET_CHECK(type() == Type::Bool, "not a boolean column");
  return storage_->bools;
}
std::span<const std::int64_t> Column::int64s() const {
  MARTLET_CHECK(holds_integers(type()), "not an integer, timestamp or date column");
  return storage_->integers;
}
std::span<const double> Column::doubles() const {
  MARTLET_CHECK(type() == Type::Double, "not a number column");
  return storage_->doubles;
}
const Texts& Column::texts() const {
  MARTLET_CHECK(type() == Type::Text, "not a text column");
  return storage_->texts;
}

Cell Column::cell(std::size_t i) const {
  if (is_missing(i)) return Cell::none(type());
  switch (type()) {
    case Type::Bool: return Cell::of_bool(storage_->bools[i] != 0);
    case Type::Double: return Cell::of_double(storage_->doubles[i]);
    case Type::Text: return Cell::of_text(storage_->texts[i]);
    case Type::Int64: return Cell::of_int64(storage_->integers[i]);
    case Type::Timestamp: return Cell::of_timestamp({storage_->integers[i]});
    case Type::Date: return Cell::of_date(storage_->integers[i]);
  }
  return Cell::none(type());
}

std::vector<double> Column::as_doubles() const {
  MARTLET_CHECK(type() != Type::Text, "a text column has no numbers");
  std::vector<double> values;
  if (type() == Type::Double) {
    values = storage_->doubles;
  } else {
    values.resize(size());
    for (std::size_t i = 0; i < size(); ++i) {
      values[i] = type() == Type::Bool ? static_cast<double>(storage_->bools[i])
                                       : static_cast<double>(storage_->integers[i]);
    }
  }
  for (std::size_t i = 0; i < storage_->valid.size(); ++i) {
    if (storage_->valid[i] == 0) values[i] = std::numeric_limits<double>::quiet_NaN();
  }
  return values;
}

Column Column::slice(std::size_t begin, std::size_t count) const {
  MARTLET_CHECK(begin <= size() && count <= size() - begin, "a slice must lie within its column");
  if (begin == 0 && count == size()) return *this;
  const auto cut = [&](const auto& from) {
    return std::vector(from.begin() + static_cast<std::ptrdiff_t>(begin),
                       from.begin() + static_cast<std::ptrdiff_t>(begin + count));
  };
  auto storage = std::make_shared<Storage>();
  storage->type = type();
  storage->size = count;
  if (!storage_->valid.empty()) {
    storage->valid = cut(storage_->valid);
    storage->missing = static_cast<std::size_t>(
        std::count(storage->valid.begin(), storage->valid.end(), std::uint8_t{0}));
    if (storage->missing == 0) storage->valid.clear();
  }
  if (type() == Type::Bool) storage->bools = cut(storage_->bools);
  if (type() == Type::Double) storage->doubles = cut(storage_->doubles);
  if (holds_integers(type())) storage->integers = cut(storage_->integers);
  if (type() == Type::Text) {
    for (std::size_t i = begin; i < begin + count; ++i)
      storage->texts.push_back(storage_->texts[i]);
  }
  return Column(std::move(storage));
}

Column Column::take(std::span<const std::uint32_t> rows) const {
  auto storage = std::make_shared<Storage>();
  storage->type = type();
  storage->size = rows.size();
  const auto gather = [&](const auto& from, auto& to) {
    to.reserve(rows.size());
    for (const std::uint32_t row : rows) {
      MARTLET_CHECK(row < size(), "a row taken must lie within its column");
      to.push_back(from[row]);
    }
  };
  if (!storage_->valid.empty()) {
    gather(storage_->valid, storage->valid);
    storage->missing = static_cast<std::size_t>(
        std::count(storage->valid.begin(), storage->valid.end(), std::uint8_t{0}));
    if (storage->missing == 0) storage->valid.clear();
  }
  if (type() == Type::Bool) gather(storage_->bools, storage->bools);
  if (type() == Type::Double) gather(storage_->doubles, storage->doubles);
  if (holds_integers(type())) gather(storage_->integers, storage->integers);
  if (type() == Type::Text) {
    storage->texts.offsets.reserve(rows.size() + 1);
    for (const std::uint32_t row : rows) storage->texts.push_back(storage_->texts[row]);
  }
  return Column(std::move(storage));
}

bool Column::equals(const Column& other) const {
  if (type() != other.type() || size() != other.size() || missing_count() != other.missing_count())
    return false;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!cell(i).same_as(other.cell(i))) return false;
  }
  return true;
}

ColumnBuilder::ColumnBuilder(Type type) : type_(type) {}

void ColumnBuilder::reserve(std::size_t size) {
  valid_.reserve(size);
  if (type_ == Type::Bool) bools_.reserve(size);
  if (type_ == Type::Double) doubles_.reserve(size);
  if (holds_integers(type_)) integers_.reserve(size);
  if (type_ == Type::Text) texts_.offsets.reserve(size + 1);
}

void ColumnBuilder::push_missing() {
  valid_.push_back(0);
  ++missing_;
  switch (type_) {
    case Type::Bool: bools_.push_back(0); break;
    case Type::Double: doubles_.push_back(std::numeric_limits<double>::quiet_NaN()); break;
    case Type::Text: texts_.push_back(""); break;
    default: integers_.push_back(0); break;
  }
}

void ColumnBuilder::push_bool(bool value) {
  bools_.push_back(value ? 1 : 0);
  valid_.push_back(1);
}
void ColumnBuilder::push_int64(std::int64_t value) {
  integers_.push_back(value);
  valid_.push_back(1);
}
void ColumnBuilder::push_double(double value) {
  doubles_.push_back(value);
  valid_.push_back(1);
}
void ColumnBuilder::push_text(std::string_view value) {
  texts_.push_back(value);
  valid_.push_back(1);
}

void ColumnBuilder::push(const Cell& cell) {
  if (cell.missing) return push_missing();
  MARTLET_CHECK(cell.type == type_, "a cell must have its column's type");
  switch (type_) {
    case Type::Bool: return push_bool(cell.boolean);
    case Type::Double: return push_double(cell.number);
    case Type::Text: return push_text(cell.text);
    default: return push_int64(cell.integer);
  }
}

Column ColumnBuilder::finish() {
  std::vector<std::uint8_t> valid;
  if (missing_ > 0) valid = std::move(valid_);
  Column column;
  switch (type_) {
    case Type::Bool: column = Column::of_bools(std::move(bools_), std::move(valid)); break;
    case Type::Int64: column = Column::of_int64s(std::move(integers_), std::move(valid)); break;
    case Type::Double: column = Column::of_doubles(std::move(doubles_), std::move(valid)); break;
    case Type::Text: column = Column::of_texts(std::move(texts_), std::move(valid)); break;
    case Type::Timestamp:
      column = Column::of_timestamps(std::move(integers_), std::move(valid));
      break;
    case Type::Date: column = Column::of_dates(std::move(integers_), std::move(valid)); break;
  }
  *this = ColumnBuilder(type_);
  return column;
}

}  // namespace martlet::columns
