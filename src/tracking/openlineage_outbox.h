// tracking/openlineage_outbox.h: OpenLineage events that are owed to a receiver, kept until they
// were sent.
//
// An event has an id that follows from what it tells, so telling it twice adds nothing. Free
// functions inside the caller's transaction; caller: lifecycle/openlineage.h.
#pragma once
#include "base/finding.h"
#include "base/json.h"
#include "base/result.h"
#include "metadata/database.h"
#include "metadata/schema.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::tracking {

enum class EventState : std::uint8_t { Waiting, Sent, GivenUp };
std::string_view name_of(EventState state);
bool parse_name(std::string_view text, EventState& state);

struct LineageEventRecord {
  std::string id;           // "<run>/START", "<run>/<step>/COMPLETE"
  std::int64_t number = 0;  // events go in this order
  Json body;                // null once it was sent
  EventState state = EventState::Waiting;
  std::int64_t attempts = 0;
  Timestamp next_at;   // not to be tried before
  std::string answer;  // of the last attempt: "201", "unavailable"
  static constexpr metadata::RecordInfo kRecord{"openlineage_events", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("number", self.number);
    field("body", self.body);
    field("state", self.state);
    field("attempts", self.attempts);
    field("next_at", self.next_at);
    field("answer", self.answer);
  }
};

metadata::SchemaGroup openlineage_schema();
// What must hold of the events: an event that waits has a body.
Result<std::vector<Finding>> check_openlineage(const metadata::ReadTransaction& tx);

inline constexpr std::int64_t kMaxWaitingEvents = 10'000;
inline constexpr std::int64_t kRememberedEvents = 100'000;  // that were sent

// Whether it was added: false when it is known. ResourceExhausted when too many wait.
Result<bool> owe_event(metadata::Transaction& tx, const std::string& id, Json body, Timestamp now);
// The first event that waits, in order.
Result<std::optional<LineageEventRecord>> next_event(const metadata::ReadTransaction& tx);
// Writes what became of an attempt; what was sent long ago is forgotten.
Result<void> settle_event(metadata::Transaction& tx, LineageEventRecord event);

}  // namespace martlet::tracking
