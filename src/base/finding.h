// base/finding.h: one problem of an input that was checked as a whole.
//
// Checks of user input collect every finding and never stop at the first. A value type.
#pragma once
#include <string>
#include <vector>

namespace martlet {

struct Finding {
  std::string
      path;  // where in the input: "problem.kpis[1].goal", a column's name, a route's parameter
  std::string rule;  // stable short name of the broken rule: "unknown_key", "wrong_type", "missing"
  std::string message;  // what was found, what was expected, what to do
  std::string file;     // the file, when there is one
  int line = 0;         // 1-based; 0 when there is no position
  int column = 0;       // 1-based; 0 when there is no position

  bool operator==(const Finding&) const = default;
};

// "martlet.yaml:12:5: problem.kpis[1].goal: …", without the parts that are absent.
std::string to_text(const Finding& finding);

}  // namespace martlet
