#include "monitoring/records.h"

namespace martlet::monitoring {

metadata::SchemaGroup monitoring_schema() {
  return {"monitoring",
          {{1, "truth, windows, alerts, retrainings",
            [](metadata::SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.create_table<TruthRecord>());
              MARTLET_TRY(schema.create_table<WindowRecord>());
              MARTLET_TRY(schema.create_table<AlertRecord>());
              MARTLET_TRY(schema.create_table<RetrainRecord>());
              return schema.create_index<RetrainRecord>({"deployment", "at"});
            }}}};
}

}  // namespace martlet::monitoring
