// features/cleaning.h: the cleaning steps that travel in a feature program.
//
// A dataset's `clean:` is read by the data module; the steps whose values are learnt (fill with a
// statistic, clip at quantiles) and the steps that look at one row alone (normalise, fill with a
// value, clip to a range) are handed to FeatureProgram::fit in these terms and are applied again to
// every row that is served. Values.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace martlet::features {

enum class FillMethod { None, Median, Mean, Mode, Value };
struct Fill {
  FillMethod method = FillMethod::None;
  std::string value;  // for Value: as a CSV field would spell it
  bool operator==(const Fill&) const = default;
};

enum class ClipMethod { None, Quantiles, Range };
struct Clip {
  ClipMethod method = ClipMethod::None;
  double low = 0;  // a quantile in [0, 1], or the value itself
  double high = 1;
  bool operator==(const Clip&) const = default;
};

enum class LetterCase { Keep, Lower, Upper };

struct CleaningStep {
  enum class Kind { Normalise, Fill, Clip };
  Kind kind = Kind::Normalise;
  std::string column;
  // Normalise, in this order: trim (ASCII white space), case (Unicode simple mapping), map (whole
  // values).
  bool trim = false;
  LetterCase letter_case = LetterCase::Keep;
  std::vector<std::pair<std::string, std::string>> map;
  Fill fill;
  Clip clip;
};

}  // namespace martlet::features
