// columns/cell.h: one value, without ownership; and one row, with it.
//
// Cell is what row-wise code (serving, expressions on one row) passes around: 32 bytes, no
// allocation; its text points into the row, column or request that it came from.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "base/zone.h"
#include "columns/schema.h"

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::columns {

struct Cell {
  Type type = Type::Double;
  bool missing = true;
  union {
    bool boolean;
    std::int64_t integer;  // Int64; Timestamp: micros; Date: days
    double number;
  };
  std::string_view text;

  Cell() : integer(0) {}
  static Cell none(Type type);
  static Cell of_bool(bool value);
  static Cell of_int64(std::int64_t value);
  static Cell of_double(double value);
  static Cell of_text(std::string_view value);
  static Cell of_timestamp(Timestamp value);
  static Cell of_date(std::int64_t days);

  // The value as a double: numbers, booleans (0/1), timestamps in microseconds, dates in days; NaN
  // when missing or text.
  double as_double() const;
  // Same type and value (two missing ones are equal; NaN equals NaN).
  bool same_as(const Cell& other) const;
};

// Missing → null; timestamps and dates → ISO text; non-finite numbers → null.
Json to_json(const Cell& cell);
// As a person would write it: "", "true", "12", "0.1", ISO times.
std::string to_text(const Cell& cell);

// Reads a JSON value as `type`: numbers accept integers and numeric values; integers accept whole
// numbers; timestamps and dates accept ISO text (bare times read in `zone`); null is missing.
// InvalidArgument says what was expected. The cell's text points into `value`.
Result<Cell> cell_from_json(const Json& value, Type type, const Zone& zone);
// Reads a text (a CSV field, a query parameter) as `type`; "" is missing.
Result<Cell> cell_from_text(std::string_view text, Type type, const Zone& zone);

// One owned row: cells in the order of some schema. Movable; texts stay where they are.
class Row {
 public:
  Row() = default;
  explicit Row(std::size_t width) : cells_(width) {}
  ~Row() = default;
  // noexcept: a vector of rows then moves them when it grows. A deque's move may allocate; out of
  // memory ends the program.
  Row(Row&&) noexcept = default;
  Row& operator=(Row&&) noexcept = default;
  Row(const Row& other);
  Row& operator=(const Row& other);

  std::size_t size() const { return cells_.size(); }
  const Cell& operator[](std::size_t i) const { return cells_[i]; }
  std::span<const Cell> cells() const { return cells_; }
  // Copies the cell, its text included.
  void set(std::size_t i, const Cell& cell);
  void push_back(const Cell& cell);
  void clear();

 private:
  std::string_view keep(std::string_view text);
  std::vector<Cell> cells_;
  std::deque<std::string> texts_;  // a deque: growing never moves a string
};

}  // namespace martlet::columns
