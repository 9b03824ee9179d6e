// features/row_transform.h: a feature program on one row at a time: the serving path.
//
// One per thread; keeps its working memory, so that the steady state allocates nothing. Bit for bit
// equal to FeatureProgram::apply.
#pragma once
#include "features/program.h"

#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace martlet::features {

// What one look-up found for the last row, for the prediction log.
struct LookupHit {
  std::string_view lookup;   // its name; lives as long as the transform
  std::string_view version;  // of the table
  bool found = false;
  Timestamp at;  // of the row that was found
  Timestamp known_at;
};

class RowTransform {
 public:
  // NotFound for a look-up without a table, InvalidArgument for a table of other types than the
  // program was fitted with. Holds program and tables.
  static Result<RowTransform> create(const FeatureProgram& program, const Lookups& lookups);
  ~RowTransform();
  RowTransform(RowTransform&&) noexcept;
  RowTransform& operator=(RowTransform&&) noexcept;

  // `row`: one cell per program.inputs(), in that order, of that type or missing. `out`:
  // program.columns().size() numbers. `decided_at`: when the decision is made, if the caller knows
  // better than the program's expression. InvalidArgument lists every cell of a wrong type, or says
  // why an expression failed; `out` is unspecified then.
  Result<void> apply(std::span<const columns::Cell> row, std::span<double> out,
                     std::optional<Timestamp> decided_at = std::nullopt);

  // Of the last row; one per look-up of the program, in its order.
  std::span<const LookupHit> hits() const;
  // When the last row was taken to be decided, if anything depends on it.
  std::optional<Timestamp> decided_at() const;

 private:
  struct Working;
  explicit RowTransform(std::unique_ptr<Working> working);
  std::unique_ptr<Working> working_;
};

}  // namespace martlet::features
