// columns/column.h: one typed column of values, some of them missing.
//
// Immutable and cheap to copy (the storage is shared), so a column may be handed to threads freely.
// Int64, Timestamp (microseconds) and Date (days) share 64-bit integer storage. The value at a
// missing place is unspecified but initialised (0, NaN or "").
#pragma once
#include "columns/cell.h"
#include "columns/schema.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::columns {

// Texts laid end to end. offsets has size()+1 entries.
struct Texts {
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;
  void push_back(std::string_view text) {
    bytes.append(text);
    offsets.push_back(bytes.size());
  }
  std::size_t size() const { return offsets.size() - 1; }
  std::string_view operator[](std::size_t i) const {
    return std::string_view(bytes).substr(offsets[i], offsets[i + 1] - offsets[i]);
  }
};

class Column {
 public:
  Column();  // empty, Double

  // `valid` holds 1 for present and 0 for missing, one byte a value; empty means that all are
  // present.
  static Column of_bools(std::vector<std::uint8_t> values, std::vector<std::uint8_t> valid = {});
  static Column of_int64s(std::vector<std::int64_t> values, std::vector<std::uint8_t> valid = {});
  static Column of_doubles(std::vector<double> values, std::vector<std::uint8_t> valid = {});
  static Column of_texts(Texts values, std::vector<std::uint8_t> valid = {});
  static Column of_texts(const std::vector<std::string>& values,
                         std::vector<std::uint8_t> valid = {});
  static Column of_timestamps(std::vector<std::int64_t> micros,
                              std::vector<std::uint8_t> valid = {});
  static Column of_dates(std::vector<std::int64_t> days, std::vector<std::uint8_t> valid = {});
  // All missing.
  static Column missing(Type type, std::size_t size);
  // The same cell `size` times.
  static Column repeat(const Cell& cell, std::size_t size);

  Type type() const;
  std::size_t size() const;
  std::size_t missing_count() const;  // O(size) the first time it matters; counted when built
  bool is_missing(std::size_t i) const;
  std::span<const std::uint8_t> valid() const;  // empty when nothing is missing

  // The storage; MARTLET_CHECKs the type.
  std::span<const std::uint8_t> bools() const;
  std::span<const std::int64_t> int64s() const;  // Int64, Timestamp, Date
  std::span<const double> doubles() const;
  const Texts& texts() const;
  std::string_view text(std::size_t i) const { return texts()[i]; }

  Cell cell(std::size_t i) const;  // its text points into this column's storage
  // Numbers as doubles, NaN where missing (booleans 0/1, timestamps µs, dates days). MARTLET_CHECKs
  // that it isn't text.
  std::vector<double> as_doubles() const;

  Column slice(std::size_t begin, std::size_t count) const;
  Column take(std::span<const std::uint32_t> rows) const;
  bool equals(const Column& other) const;  // type, missing places and values; NaN equals NaN

 private:
  struct Storage;
  explicit Column(std::shared_ptr<const Storage> storage) : storage_(std::move(storage)) {}
  friend class ColumnBuilder;
  std::shared_ptr<const Storage> storage_;
};

// Builds a column value by value. One thread at a time.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(Type type);
  void reserve(std::size_t size);
  void push_missing();
  void push_bool(bool value);
  void push_int64(std::int64_t value);  // Int64, Timestamp, Date
  void push_double(double value);
  void push_text(std::string_view value);
  void push(const Cell& cell);  // must be of the builder's type (or missing)
  std::size_t size() const { return valid_.size(); }
  Column finish();  // leaves the builder empty

 private:
  Type type_;
  std::vector<std::uint8_t> bools_;
  std::vector<std::int64_t> integers_;
  std::vector<double> doubles_;
  Texts texts_;
  std::vector<std::uint8_t> valid_;
  std::size_t missing_ = 0;
};

}  // namespace martlet::columns
