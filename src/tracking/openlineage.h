// tracking/openlineage.h: what happened to runs and their steps, as OpenLineage run events.
//
// Values, and pure functions that make documents of them; nothing is stored or sent here
// (lifecycle/openlineage.h does). Thread-safe as any value is.
// Source: the OpenLineage specification, RunEvent 2-0-2 and the facets that are named in the .cc.
#pragma once
#include "base/json.h"
#include "base/time.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::tracking::openlineage {

enum class EventType : std::uint8_t { Start, Running, Complete, Abort, Fail };
std::string_view name_of(EventType type);  // "START"

struct Job {
  std::string name_space;
  std::string name;
};

// Another run that this one belongs to.
struct Parent {
  std::string run;  // a UUID
  Job job;
};

struct ColumnMetrics {
  std::optional<std::int64_t> nulls, distinct;
  std::optional<double> min, max;
  std::map<std::string, double> quantiles;  // by "0.5"
};

struct Column {
  std::string name;
  std::string type;
  std::optional<ColumnMetrics> metrics;  // known for inputs
};

struct Dataset {
  std::string name_space;
  std::string name;
  std::string version;  // "" when unknown
  std::vector<Column> columns;
  std::optional<std::int64_t> rows, size_bytes;
};

struct RunEvent {
  EventType type = EventType::Start;
  Timestamp at;
  std::string run;  // a UUID
  Job job;
  std::string job_type;  // "PIPELINE", "STEP", "RUN"
  std::optional<Parent> parent;
  std::string error;                    // of a failure
  std::string source, source_language;  // the job's definition; "" when it isn't told
  std::string program_version;          // of martlet
  Json facts;                           // what it ran on: a facet of our own; null: none
  std::vector<Dataset> inputs, outputs;
};

Json to_json(const RunEvent& event);

// A run's id as a UUID: 32 hex digits with dashes between them; any other text becomes a UUID of
// version 8 made of its digest, always the same.
std::string run_uuid(std::string_view id);
// Likewise for a step of a run.
std::string step_uuid(std::string_view run, std::string_view step);

}  // namespace martlet::tracking::openlineage
