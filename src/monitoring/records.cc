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
            }},
           {2, "attempts of a turn, monitors, webhooks",
            [](metadata::SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.add_column<RetrainRecord>("attempts",
                                                           metadata::to_value(std::int64_t{1})));
              MARTLET_TRY(schema.add_column<RetrainRecord>(
                  "ended", metadata::to_value(std::optional<Timestamp>())));
              MARTLET_TRY(schema.create_table<MonitorRecord>());
              MARTLET_TRY(schema.create_table<WebhookRecord>());
              return schema.create_index<WebhookRecord>({"deployment", "state", "next_at"});
            }}}};
}

}  // namespace martlet::monitoring
