// monitoring/history.h: what the store holds of a deployment: its windows, alerts, turns and
// webhooks, for people and scripts to read. Thread-safe; reads only.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "monitoring/records.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::metadata {
class Database;
}

namespace martlet::monitoring {

struct DeploymentHistory {
  std::string deployment;
  std::optional<Timestamp> since;       // absent: it is not watched
  std::vector<WindowRecord> windows;    // newest first
  std::vector<AlertRecord> alerts;      // by name
  std::vector<RetrainRecord> turns;     // newest first
  std::vector<WebhookRecord> webhooks;  // newest first
  std::int64_t truths = 0;              // keys whose truth is known
};

// At most `limit` of each list; windows of one length only when it is given.
Result<DeploymentHistory> history_of(const metadata::Database& database,
                                     const std::string& deployment, std::int64_t limit,
                                     std::optional<Duration> length = std::nullopt);

// {length, from, to, rows, truth_rows, failed, kpis, metrics, drift, p50_ms, p99_ms}
Json to_json(const WindowRecord& record);
// {alert, firing, since, holding, clear, last_window}
Json to_json(const AlertRecord& record);
// {id, at, trigger, decision, why, champion, challenger, attempts, ended, details}
Json to_json(const RetrainRecord& record);
// {id, alert, state, attempts, answer, made_at, next_at}
Json to_json(const WebhookRecord& record);

}  // namespace martlet::monitoring
