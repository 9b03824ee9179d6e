// Any bytes at all: an error, or a model that scores rows.
#include "models/tree_ensemble.h"

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto model =
      martlet::models::TreeEnsemble::parse_lightgbm({reinterpret_cast<const char*>(bytes), size});
  if (!model.has_value()) return 0;
  for (const double value : {0.0, -1.0, 33.0, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    const std::vector<double> row((*model)->width(), value);
    static_cast<void>((*model)->score(row.data()));
  }
  return 0;
}
