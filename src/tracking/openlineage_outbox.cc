#include "tracking/openlineage_outbox.h"

#include "base/enum_name.h"

#include <fmt/format.h>

#include <array>

namespace martlet::tracking {

namespace {

using metadata::equal;

constexpr std::array<std::string_view, 3> kStateNames{"waiting", "sent", "given_up"};

Result<void> owed_events(metadata::SchemaEditor& schema) {
  MARTLET_TRY(schema.create_table<LineageEventRecord>());
  MARTLET_TRY(schema.create_index<LineageEventRecord>({"number"}, metadata::Uniqueness::Unique));
  return schema.create_index<LineageEventRecord>({"state", "number"});
}

}  // namespace

std::string_view name_of(EventState state) { return enum_name(kStateNames, state); }
bool parse_name(std::string_view text, EventState& state) {
  return find_enum(kStateNames, text, state);
}

metadata::SchemaGroup openlineage_schema() {
  return {"openlineage", {{1, "events that are owed", owed_events}}};
}

Result<std::vector<Finding>> check_openlineage(const metadata::ReadTransaction& tx) {
  MARTLET_TRY_SET(const auto waiting,
                  tx.select<LineageEventRecord>(equal("state", EventState::Waiting)));
  std::vector<Finding> findings;
  for (const LineageEventRecord& event : waiting) {
    if (event.body.is_object()) continue;
    Finding finding;
    finding.path = "OpenLineage event " + event.id;
    finding.rule = "no_body";
    finding.message = "it waits to be sent, but holds no document";
    findings.push_back(std::move(finding));
  }
  return findings;
}

Result<bool> owe_event(metadata::Transaction& tx, const std::string& id, Json body, Timestamp now) {
  MARTLET_TRY_SET(const bool known, tx.exists<LineageEventRecord>(id));
  if (known) return false;
  MARTLET_TRY_SET(
      const std::int64_t waiting,
      tx.count_at_most<LineageEventRecord>(equal("state", EventState::Waiting), kMaxWaitingEvents));
  if (waiting >= kMaxWaitingEvents) {
    return fail(ErrorCode::ResourceExhausted,
                fmt::format("{} OpenLineage events wait to be sent already; see why the receiver "
                            "doesn't take them",
                            kMaxWaitingEvents));
  }
  MARTLET_TRY_SET(const auto last, tx.greatest<LineageEventRecord>("number"));
  LineageEventRecord event;
  event.id = id;
  event.number = last.value_or(0) + 1;
  event.body = std::move(body);
  event.next_at = now;
  MARTLET_TRY(tx.insert(event));
  return true;
}

Result<std::optional<LineageEventRecord>> next_event(const metadata::ReadTransaction& tx) {
  return tx.first<LineageEventRecord>(
      metadata::Query(equal("state", EventState::Waiting)).order_by("number"));
}

Result<void> settle_event(metadata::Transaction& tx, LineageEventRecord event) {
  if (event.state != EventState::Waiting) event.body = nullptr;
  MARTLET_TRY(tx.update(event));
  MARTLET_TRY(tx.remove_where<LineageEventRecord>(
      metadata::not_equal("state", EventState::Waiting) &&
      metadata::less("number", event.number - kRememberedEvents)));
  return {};
}

}  // namespace martlet::tracking
