// problem/contract.h: the `problem:` part of martlet.yaml: what is asked, what is decided by the
// answer, and what success is worth.
//
// Read before anything is known about the data: expressions are checked for syntax here and against
// the dataset's schema by Problem::bind (problem/problem.h). A value; thread-safe as any value is.
#pragma once
#include "base/finding.h"
#include "base/json.h"
#include "base/yaml.h"
#include "base/zone.h"
#include "expr/goal.h"
#include "metrics/metric.h"
#include "problem/task.h"

#include <optional>
#include <string>
#include <vector>

namespace martlet::problem {

// Where in the file something was written, so that a finding made later still names the place.
struct Origin {
  std::string path;
  std::string file;
  int line = 0;
  int column = 0;

  static Origin of(const Yaml& node);
  Finding finding(std::string_view rule, std::string message) const;
};

// A way to decide without machine learning.
struct BaselineSpec {
  enum class Kind : std::uint8_t {
    Rule,       // an expression over a row: boolean or number
    GroupMean,  // the target's mean over training rows with the same values of some columns
    Always,     // binary: yes for every row
    Never,      // binary: no for every row
    Mean,       // regression: the mean of the training rows
  };
  Kind kind = Kind::Rule;
  std::string name;
  std::string rule;                     // Rule
  std::vector<std::string> group_mean;  // GroupMean: columns
  Origin origin;
};

// What success is. Exactly one of `metric` and `value` is given.
struct KpiSpec {
  std::string name;
  std::optional<metrics::Metric> metric;
  std::string value;  // expression: the value of one row's decision
  std::string unit;
  std::optional<expr::Goal> goal;
  std::optional<double> confidence;  // in (0, 1); without it, the point estimate counts
  Origin origin;
};

struct Contract {
  std::string question;
  std::string decision;
  std::string owner;
  std::optional<Task> task;  // inferred from the target when absent
  std::string target;
  std::optional<std::string> positive;  // binary: which value of the target is "yes"
  std::string time;                     // column of the event time; "" without
  Zone zone = Zone::utc();
  bool zone_given = false;
  std::string decided_at;  // expression; "" means: time
  std::vector<std::string> key;
  std::vector<BaselineSpec> baselines;  // empty: the task's defaults
  std::vector<KpiSpec> kpis;            // empty: the task's standard metric
  Origin origin;
};

// Reads the part; every problem becomes a finding. What it returns is complete only if there were
// none.
Contract read_contract(const Yaml& node, std::vector<Finding>& findings);

// What is allowed but likely to surprise: goals that multiply or divide the baseline or the
// champion, whose meaning inverts below zero (DESIGN §12.5).
std::vector<Finding> warnings_of(const Contract& contract);

// The KPIs and baselines in force for a task: those declared, else the defaults (auc or rmse;
// always and never, or the mean).
std::vector<KpiSpec> kpis_of(const Contract& contract, Task task);
std::vector<BaselineSpec> baselines_of(const Contract& contract, Task task);

// For `problem show --json`.
Json to_json(const Contract& contract);

}  // namespace martlet::problem
