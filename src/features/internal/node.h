// One source column on its way to one or several columns of the matrix. Internal to features.
//
// A node is learnt by fit_node() and then only reads. write() is the one kernel: the column path
// calls it in a loop over a column's cells, the row path calls it once, and so the two can't
// differ.
#pragma once
#include "base/zone.h"
#include "columns/column.h"
#include "features/config.h"
#include "features/internal/categories.h"
#include "features/matrix.h"
#include "features/task.h"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace martlet::features {

inline constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// The last steps of a value that is an amount: clip, fill, note that it was missing, scale.
struct Tail {
  bool clipped = false;
  double low = 0;
  double high = 0;
  double fill = kNotANumber;  // NaN: stays missing
  bool indicator = false;     // a second output: 1 if it was missing
  bool scaled = false;
  double centre = 0;
  double scale = 1;
  bool finite_only = false;  // infinite counts as missing (linear models)

  std::size_t width() const { return indicator ? 2 : 1; }
  // Everything but the scaling.
  double prepared(double value) const;
  double* write(double value, double* out) const;
};

enum class NodeKind { Number, Ordinal, OneHot, Target, Hash, Parts };

struct Node {
  NodeKind kind = NodeKind::Number;
  std::string column;
  columns::Type type = columns::Type::Double;  // of the slot that it reads
  std::vector<Tail> tails;                     // one an amount that the node gives
  Categories categories;                       // Ordinal, OneHot, Target
  bool as_codes = false;                       // Ordinal, Hash: the matrix column is categorical
  int fill_code = kMissing;             // the code that a missing category takes; kMissing: none
  bool has_other = false;               // OneHot: a column for what isn't among the categories
  bool has_missing = false;             // OneHot: a column for missing
  int outputs = 1;                      // Target: one, or one a class
  std::vector<double> encoded;          // Target: categories × outputs
  std::vector<double> encoded_missing;  // Target: outputs
  std::vector<double> prior;            // Target: outputs, also for the unseen
  int buckets = 0;                      // Hash
  std::vector<Part> parts;              // Parts
  bool cyclic = false;                  // Parts: sine and cosine of those that come round

  std::size_t width() const;
  // Writes width() numbers. `cell` is of `type` or missing. Doesn't allocate.
  void write(const columns::Cell& cell, const Zone& zone, double* out) const;
  // write() for every cell of a column, each `width` numbers behind the one before.
  void write_all(const columns::Column& values, const Zone& zone, double* out,
                 std::size_t width) const;
  // Target only: as write(), from values that were encoded elsewhere (out of fold).
  void write_encoded(const double* values, double* out) const;
  // Target: the values for a code, kUnseen or kMissing.
  const double* encoded_for(int code) const;
  int code_of(const columns::Cell& cell) const;

  std::vector<MatrixColumn> matrix_columns() const;
  // "ordinal code of 16 categories; ...", one per matrix column.
  std::vector<std::string> origins() const;

  Json to_json() const;
  // Corrupt for whatever could make write() read or write out of bounds.
  static Result<Node> from_json(const Json& json);
};

}  // namespace martlet::features
