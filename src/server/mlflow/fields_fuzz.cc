// Bodies of MLflow's calls, read in every way that a call reads them.
#include "server/mlflow/fields.h"
#include "server/mlflow/run_wire.h"

#include <cstddef>
#include <cstdint>

using martlet::server::mlflow::Fields;
using martlet::server::mlflow::Message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto message = Message::parse(text);
  if (!message.has_value()) return 0;
  const Fields fields = (*message)->fields();
  for (const Fields& metric : fields.objects("metrics"))
    (void)martlet::server::mlflow::read_metric(metric);
  (void)fields.pairs("params");
  (void)fields.pairs("tags");
  (void)martlet::server::mlflow::read_datasets(fields);
  (void)martlet::server::mlflow::view_of(fields, "run_view_type");
  (void)fields.texts("order_by");
  (void)fields.required_name("run_id", "run_uuid");
  (void)fields.integer("max_results");
  (void)fields.boolean("ascending");
  (void)(*message)->check();
  return 0;
}
