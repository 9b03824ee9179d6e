// A cleaning step that has been learnt, as one kernel on one value. Internal to features.
#pragma once
#include "base/zone.h"
#include "columns/column.h"
#include "features/cleaning.h"

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace martlet::features {

struct Cleaner {
  using Kind = CleaningStep::Kind;
  Kind kind = Kind::Normalise;
  std::string column;
  columns::Type type = columns::Type::Text;  // of the values, before and after
  bool trim = false;
  LetterCase letter_case = LetterCase::Keep;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> map;
  columns::Row fill;  // one cell, for Fill
  double low = 0;     // for Clip
  double high = 0;

  // The cleaned value. Its text points into `cell`'s text, this object or `scratch`. Allocates only
  // to change the case of text beyond ASCII.
  columns::Cell apply(const columns::Cell& cell, std::string& scratch) const;
  columns::Column apply(const columns::Column& column) const;

  Json to_json() const;
  static Result<Cleaner> from_json(const Json& json);
};

// The type that a column of `type` has after `step`: a whole number that is filled with a median or
// a mean, or clipped, becomes a number.
columns::Type type_after(const CleaningStep& step, columns::Type type);

// Learns `step` from the training rows. InvalidArgument if it doesn't go with the column's type.
Result<Cleaner> fit_cleaner(const CleaningStep& step, const columns::Column& training,
                            const Zone& zone);

// Serving applies the same steps that made the dataset, and applying them to a row of the dataset
// must change nothing: what all steps of a column make of a value must be left alone by them. Names
// a value for which it isn't so, or "".
std::string unstable_value(const std::vector<const Cleaner*>& steps_of_one_column);

// The most frequent value that isn't missing, the smallest of equally frequent ones; a missing cell
// if there's none.
columns::Cell mode_of(const columns::Column& column);

}  // namespace martlet::features
