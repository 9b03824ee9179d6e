// Any bytes as a linear model: Corrupt, or a model that scores any row, alone and in a batch alike,
// and reads back.
#include "models/linear_model.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using martlet::models::LinearModel;
  const auto model = LinearModel::parse({reinterpret_cast<const char*>(bytes), size});
  if (!model.has_value()) {
    MARTLET_CHECK(model.error().code() == martlet::ErrorCode::Corrupt, "a refusal is Corrupt");
    return 0;
  }
  const std::size_t width = (*model)->inputs().size();
  for (const double value : {0.0, -1.0, 1.0, 1e300, 0.5, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
    const std::vector<double> row(width, value);
    std::vector<double> out(1);
    (*model)->raw_scores(row, width, out);
    MARTLET_CHECK(std::bit_cast<std::uint64_t>(out[0]) ==
                      std::bit_cast<std::uint64_t>((*model)->raw_score(row.data())),
                  "both paths give the same bits");
  }
  const std::string text = (*model)->to_bytes();
  const auto again = LinearModel::parse(text);
  MARTLET_CHECK(again.has_value() && (*again)->to_bytes() == text, "a model reads back");
  return 0;
}
