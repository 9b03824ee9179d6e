// Any bytes as a body of any inference dialect: an answer or an error, within the limits; and where
// the plain reader reads a row, the judge must read the same one.
#include "server/inference_protocol.h"
#include "server/internal/plain_request.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using martlet::server::InferenceRequest;
using martlet::server::RequestShape;

namespace {

const RequestShape& shape() {
  using martlet::columns::Type;
  static const RequestShape kShape{{{"a", Type::Double, true},
                                    {"b", Type::Text, false},
                                    {"c", Type::Int64, false},
                                    {"d", Type::Bool, false},
                                    {"e", Type::Timestamp, false},
                                    {"f", Type::Date, false}},
                                   martlet::columns::Schema({{"k", Type::Text}}),
                                   martlet::Zone::utc()};
  return kShape;
}

void judge(const martlet::Result<InferenceRequest>& request) {
  if (!request.has_value()) {
    MARTLET_CHECK(request.error().findings().size() <= 201, "findings are bounded");
    return;
  }
  MARTLET_CHECK(request->rows.rows() >= 1 &&
                    request->rows.rows() <= martlet::server::kMaxRowsPerRequest,
                "the number of rows is within the limit");
  MARTLET_CHECK(request->keys.rows() == request->rows.rows(), "a key for each row");
}

void agree(const std::optional<martlet::server::PlainRow>& plain,
           const martlet::Result<InferenceRequest>& judged) {
  if (!plain.has_value()) return;
  MARTLET_CHECK(judged.has_value() && judged->rows.rows() == 1, "what is read plainly is one row");
  for (std::size_t i = 0; i < plain->inputs.size(); ++i) {
    MARTLET_CHECK(plain->inputs[i].same_as(judged->rows.column(i).cell(0)),
                  "both readers read the same");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  static const martlet::server::PlainRequestReader kReader(shape());
  const auto v2 = martlet::server::decode_v2(body, shape());
  judge(v2);
  agree(kReader.read_v2(body), v2);
  const auto mlflow = martlet::server::decode_mlflow(body, "application/json", shape());
  judge(mlflow);
  agree(kReader.read_mlflow(body), mlflow);
  judge(martlet::server::decode_mlflow(body, "text/csv", shape()));
  return 0;
}
