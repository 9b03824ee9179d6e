// lifecycle/comparison.h: two runs side by side: what they were given, what came out, and by how
// much that differs.
//
// Values; pure functions of what the store holds of both.
#pragma once
#include "lifecycle/dossier.h"
#include "report/document.h"

#include <optional>
#include <string>
#include <vector>

namespace martlet::lifecycle {

struct Comparison {
  tracking::Run first, second;
  // Absent for a run that a tracking client logged.
  std::optional<Dossier> first_dossier, second_dossier;

  struct Line {
    std::string kind;  // "param", "metric", "input", "gate", "fact", "artifact", "tag"
    std::string key;
    Json first, second;                // null where a run doesn't have it
    std::optional<double> difference;  // second - first, of numbers
    bool equal = false;
  };
  std::vector<Line> lines;  // everything that either has, by kind and key
};

// Both as find_tracked_run() understands them, and its errors.
Result<Comparison> compare_runs(const Store& store, const std::string& first,
                                const std::string& second);

// {first: {run, …}, second: {…}, differences: [{kind, key, first, second, difference, equal}]}
Json to_json(const Comparison& comparison);
report::Document report_of(const Comparison& comparison);

}  // namespace martlet::lifecycle
