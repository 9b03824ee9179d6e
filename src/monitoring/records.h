// monitoring/records.h: what the store keeps of the loop: truth, windows, alert states, and every
// turn of retraining.
#pragma once
#include "base/json.h"
#include "base/time.h"
#include "metadata/record.h"
#include "metadata/schema.h"

#include <cstdint>
#include <optional>
#include <string>

namespace martlet::monitoring {

// What turned out to be true of one key. Later records of a key correct earlier ones.
struct TruthRecord {
  std::string deployment;
  std::string key;
  std::optional<double> actual;  // nothing: known never to come (a cancelled flight)
  Timestamp known_at;            // when it became known in the world
  Timestamp received_at;         // when we were told
  std::int64_t revision = 1;     // counts corrections
  static constexpr metadata::RecordInfo kRecord{"ground_truth", "deployment, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("deployment", self.deployment);
    field("key", self.key);
    field("actual", self.actual);
    field("known_at", self.known_at);
    field("received_at", self.received_at);
    field("revision", self.revision);
  }
};

// One window of one deployment, as it was judged.
struct WindowRecord {
  std::string deployment;
  std::int64_t length_micros = 0;
  Timestamp begin;
  Timestamp end;
  Json report;  // to_json(WindowReport)
  static constexpr metadata::RecordInfo kRecord{"monitor_windows",
                                                "deployment, length_micros, begin_at"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("deployment", self.deployment);
    field("length_micros", self.length_micros);
    field("begin_at", self.begin);
    field("end_at", self.end);
    field("report", self.report);
  }
};

struct AlertRecord {
  std::string deployment;
  std::string alert;
  std::int64_t holding = 0;  // windows in a row for which the condition has held
  std::int64_t clear = 0;    // windows in a row for which it hasn't
  bool firing = false;
  std::optional<Timestamp> since;  // when it began to fire
  Timestamp last_window;           // the end of the last window that was looked at
  static constexpr metadata::RecordInfo kRecord{"alert_states", "deployment, alert"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("deployment", self.deployment);
    field("alert", self.alert);
    field("holding", self.holding);
    field("clear", self.clear);
    field("firing", self.firing);
    field("since", self.since);
    field("last_window", self.last_window);
  }
};

// One turn of the loop: why it began, what it tried, what it decided.
struct RetrainRecord {
  std::string id;
  std::string deployment;
  Timestamp at;
  std::string trigger;   // "alert value-falls", "schedule", "person"
  std::string decision;  // "running", then "failed", "rejected" or "promoted"; or "refused" at once
  std::string why;
  std::string champion;    // "flight-delay/1"
  std::string challenger;  // "" when none was made
  Json details;  // rows, KPI of both on the holdout, interval, digests of the tested and of the
                 // refitted model
  std::int64_t attempts = 1;       // how often it was taken up: more than once after a crash
  std::optional<Timestamp> ended;  // when the decision was made
  static constexpr metadata::RecordInfo kRecord{"retrainings", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("deployment", self.deployment);
    field("at", self.at);
    field("trigger_name", self.trigger);
    field("decision", self.decision);
    field("why", self.why);
    field("champion", self.champion);
    field("challenger", self.challenger);
    field("details", self.details);
    field("attempts", self.attempts);
    field("ended", self.ended);
  }
};

// That a deployment is watched, and since when: no window before that is judged.
struct MonitorRecord {
  std::string deployment;
  Timestamp since;
  static constexpr metadata::RecordInfo kRecord{"monitors", "deployment"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("deployment", self.deployment);
    field("since", self.since);
  }
};

// A webhook that an alert owes somebody: written with the alert's new state, sent afterwards, at
// least once. Where it goes is not kept here (it may be a secret): the project file says so, at
// `action` of the alert's list.
struct WebhookRecord {
  std::string id;
  std::string deployment;
  std::string alert;
  std::int64_t action = 0;  // place in the alert's `then`
  Json body;
  Timestamp made_at;
  std::string state = "waiting";  // then "delivered" or "given_up"
  std::int64_t attempts = 0;
  Timestamp next_at;   // not to be tried before
  std::string answer;  // of the last attempt: "200", "unavailable"
  static constexpr metadata::RecordInfo kRecord{"webhooks", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("deployment", self.deployment);
    field("alert", self.alert);
    field("action", self.action);
    field("body", self.body);
    field("made_at", self.made_at);
    field("state", self.state);
    field("attempts", self.attempts);
    field("next_at", self.next_at);
    field("answer", self.answer);
  }
};

metadata::SchemaGroup monitoring_schema();

}  // namespace martlet::monitoring
