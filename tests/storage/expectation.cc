#include "storage/expectation.h"

#include "storage/content.h"
#include "workflow/records.h"

#include <fmt/format.h>

namespace martlet::storage {

Expectation::Expectation(const std::vector<Json>& ledger) {
  for (const Json& entry : ledger) {
    const std::string kind = entry.value("kind", "");
    const std::int64_t number = entry.value("n", std::int64_t{0});
    if (kind == "intent") {
      operations_[number].intent = entry;
    } else if (kind == "ack") {
      operations_[number].fate = Fate::Kept;
      operations_[number].result = entry;
    } else if (kind == "applied") {
      operations_[number].fate = Fate::Kept;
    } else if (kind == "absent") {
      operations_[number].fate = Fate::Absent;
    } else if (kind == "resume") {
      ++resumes_[entry.value("run", "")];
    } else if (kind == "step") {
      const StepTold told{entry.value("status", std::int64_t{0}), entry.value("attempt", std::int64_t{0}),
                          entry.value("key", ""), entry.at("outputs")};
      if (workflow::gave_outputs(static_cast<workflow::StepStatus>(told.status)))
        finished_steps_[{entry.value("run", ""), entry.value("step", "")}] = told;
    }
  }
}

const Told* Expectation::find(std::int64_t number) const {
  const auto found = operations_.find(number);
  return found == operations_.end() ? nullptr : &found->second;
}

std::int64_t Expectation::resumes(const std::string& run) const {
  const auto found = resumes_.find(run);
  return found == resumes_.end() ? 0 : found->second;
}

void Expectation::observe(CheckReport& report, std::int64_t number, std::int64_t found, std::int64_t wanted,
                          std::string_view what, bool whole) {
  const Told& told = operations_.at(number);
  const auto violate = [&](std::string invariant, std::string_view why) {
    report.violations.push_back({std::move(invariant), fmt::format("{} ({}): {} of {} {} are there; {}", mark_of(number),
                                                                   told.op(), found, wanted, what, why)});
  };
  switch (told.fate) {
    case Fate::Kept:
      if (found < wanted) violate("I1", "it was acknowledged");
      return;
    case Fate::Absent:
      if (found > 0) violate("I6", "an earlier check found that it had not happened");
      return;
    case Fate::Open: break;
  }
  if (whole && found != 0 && found != wanted) {
    violate("I2", "it is half visible");
    return;
  }
  if (whole) report.resolutions.push_back({{"kind", found > 0 ? "applied" : "absent"}, {"n", number}});
}

void Expectation::must_be_explained(CheckReport& report, std::int64_t number, std::string_view op,
                                    const std::string& what) {
  const Told* told = find(number);
  if (told != nullptr && told->fate != Fate::Absent && told->op() == op) return;
  report.violations.push_back({"I2", what + (told == nullptr ? " was asked for by nobody" : " belongs to an operation that had not happened")});
}

}  // namespace martlet::storage
