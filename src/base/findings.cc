#include "base/findings.h"

#include <utility>

namespace martlet {

void add_finding(Findings& findings, std::string path, std::string_view rule, std::string message) {
  Finding finding;
  finding.path = std::move(path);
  finding.rule = rule;
  finding.message = std::move(message);
  findings.push_back(std::move(finding));
}

}  // namespace martlet
