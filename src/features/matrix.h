// features/matrix.h: what a model is trained on and scores: numbers, row by row.
//
// A value; no shared state. Made by FeatureProgram, read by models.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace martlet::features {

struct MatrixColumn {
  std::string name;
  // The values are the codes 0 … categories-1 of a category (NaN: missing or never seen), not
  // amounts.
  bool categorical = false;
  int categories = 0;  // 0 unless categorical
  bool operator==(const MatrixColumn&) const = default;
};

struct Matrix {
  std::vector<MatrixColumn> columns;
  std::size_t rows = 0;
  std::vector<double> values;  // row-major, rows × width(); NaN is a missing value

  std::size_t width() const { return columns.size(); }
  std::span<const double> row(std::size_t i) const {
    return std::span(values).subspan(i * width(), width());
  }
  std::span<double> row(std::size_t i) { return std::span(values).subspan(i * width(), width()); }
};

}  // namespace martlet::features
