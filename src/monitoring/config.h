// monitoring/config.h: the `monitoring:` part of martlet.yaml. Values.
#pragma once
#include "base/finding.h"
#include "base/time.h"
#include "base/yaml.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::monitoring {

enum class Severity : std::uint8_t { Info, Warning, Critical };
std::string_view name_of(Severity severity);

// What an alert does when it begins to fire.
struct Action {
  enum class Kind : std::uint8_t { Retrain, Webhook };
  Kind kind = Kind::Retrain;
  std::string url;  // Webhook: an http or https URL, or "${env:NAME}"
  // NAME of a URL that stands in a process variable.
  std::optional<std::string> variable() const;
};

struct AlertRule {
  std::string name;
  std::string when;       // a condition in the expression language, over the names of alert_scope()
  int for_windows = 1;    // it must hold for so many windows in a row before it fires
  int clear_windows = 1;  // and must not hold for so many before it stops
  Duration window{};      // one of MonitoringConfig::windows
  Severity severity = Severity::Warning;
  std::vector<Action> then;
  Yaml where;
};

// When a challenger takes the champion's place.
struct PromotionRule {
  enum class Kind : std::uint8_t {
    Significant,  // the one-sided bound of challenger - champion is above 0
    NonInferior,  // that bound is above -margin: a fresher model is preferred unless it may be
                  // worse by more
  };
  Kind kind = Kind::Significant;
  double margin = 0;  // in the primary KPI's unit, per row
};

struct RetrainPolicy {
  std::optional<Duration>
      every;  // retrain when the live model is this old, whatever the alerts say
  Duration cooldown = std::chrono::hours(12);  // between two trainings
  std::optional<std::int64_t> per_day, per_week,
      per_month;                   // budget: trainings in the last 1, 7, 30 days
  std::optional<Duration> window;  // train on so much history; without: on all
  Duration holdout = std::chrono::hours(
      14 * 24);             // the newest truth, kept out of fitting, calibration and threshold
  double validation = 0.2;  // share of the fitting rows, drawn at random with the seed, that choose
                            // rounds and threshold
  double confidence = 0.95;  // of the comparison
  bool refit =
      true;  // after the test, the same recipe is trained on everything, the holdout included
  PromotionRule promote;
  // Of a training beside a server: processors it may use (0: half of them, at least one), and
  // address space of its processes (0: no limit).
  int processors = 0;
  std::uint64_t memory_bytes = 0;
};

struct DriftConfig {
  double psi = 0.2;  // a column has drifted from this stability index on …
  double p =
      0.01;  // … if the difference is also significant after control of the false discovery rate
  std::vector<std::string> ignore;
};

struct MonitoringConfig {
  bool declared = false;          // the section is there
  std::string truth_source;       // dataset or source that brings the truth; "" without
  Duration truth_delay{};         // from the event time until the truth is due
  std::vector<Duration> windows;  // at least one
  DriftConfig drift;
  std::vector<AlertRule> alerts;
  std::optional<RetrainPolicy> retrain;
};

// Reads the part; every problem becomes a finding. A null node gives the defaults: windows of one
// day, no alerts, no retraining.
MonitoringConfig read_monitoring(const Yaml& node, std::vector<Finding>& findings);

}  // namespace martlet::monitoring
