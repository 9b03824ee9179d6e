#include "monitoring/history.h"

#include "base/quantity.h"
#include "metadata/database.h"

namespace martlet::monitoring {

namespace {

Json time_or_null(const std::optional<Timestamp>& at) {
  return at.has_value() ? Json(to_text(*at)) : Json(nullptr);
}

}  // namespace

Result<DeploymentHistory> history_of(const metadata::Database& database,
                                     const std::string& deployment, std::int64_t limit,
                                     std::optional<Duration> length) {
  using metadata::equal;
  using metadata::Order;
  using metadata::Query;
  return database.read([&](const metadata::ReadTransaction& tx) -> Result<DeploymentHistory> {
    DeploymentHistory history;
    history.deployment = deployment;
    const auto here = equal("deployment", deployment);
    MARTLET_TRY_SET(const auto monitor, tx.get<MonitorRecord>(deployment));
    if (monitor.has_value()) history.since = monitor->since;
    auto windows = here;
    if (length.has_value()) windows = here && equal("length_micros", length->count());
    MARTLET_TRY_SET(
        history.windows,
        tx.select<WindowRecord>(Query(windows).order_by("end_at", Order::Descending).limit(limit)));
    MARTLET_TRY_SET(history.alerts, tx.select<AlertRecord>(Query(here).order_by("alert")));
    MARTLET_TRY_SET(history.turns, tx.select<RetrainRecord>(
                                       Query(here).order_by("at", Order::Descending).limit(limit)));
    MARTLET_TRY_SET(
        history.webhooks,
        tx.select<WebhookRecord>(Query(here).order_by("made_at", Order::Descending).limit(limit)));
    MARTLET_TRY_SET(history.truths, tx.count<TruthRecord>(here));
    return history;
  });
}

Json to_json(const WindowRecord& record) {
  Json json{{"length", to_text(Duration(record.length_micros))}};
  json.update(record.report);
  return json;
}

Json to_json(const AlertRecord& record) {
  return Json{{"alert", record.alert},
              {"firing", record.firing},
              {"since", time_or_null(record.since)},
              {"holding", record.holding},
              {"clear", record.clear},
              {"last_window", to_text(record.last_window)}};
}

Json to_json(const RetrainRecord& record) {
  return Json{{"id", record.id},
              {"at", to_text(record.at)},
              {"trigger", record.trigger},
              {"decision", record.decision},
              {"why", record.why},
              {"champion", record.champion},
              {"challenger", record.challenger},
              {"attempts", record.attempts},
              {"ended", time_or_null(record.ended)},
              {"details", record.details}};
}

Json to_json(const WebhookRecord& record) {
  return Json{{"id", record.id},
              {"alert", record.alert},
              {"state", record.state},
              {"attempts", record.attempts},
              {"answer", record.answer},
              {"made_at", to_text(record.made_at)},
              {"next_at", to_text(record.next_at)}};
}

}  // namespace martlet::monitoring
