// tests/storage/expectation.h: what a ledger says of each operation, and what a store turned out to hold of it.
#pragma once
#include "base/json.h"
#include "storage/store_check.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::storage {

enum class Fate : std::uint8_t {
  Open,         // begun; neither acknowledged nor resolved: may be there or not, but not in part
  Kept,         // acknowledged, or found by an earlier check
  Absent,       // an earlier check didn't find it, so it must not come back
};

struct Told {
  Json intent;
  Json result = Json::object();
  Fate fate = Fate::Open;
  std::string op() const { return intent.value("op", ""); }
  int worker() const { return intent.value("worker", 0); }
};

struct StepTold {
  std::int64_t status = 0;
  std::int64_t attempt = 0;
  std::string key;
  Json outputs;
};

class Expectation {
 public:
  explicit Expectation(const std::vector<Json>& ledger);

  const std::map<std::int64_t, Told>& operations() const { return operations_; }
  const Told* find(std::int64_t number) const;
  // The last success of each step that was acknowledged: by run and step.
  const std::map<std::pair<std::string, std::string>, StepTold>& finished_steps() const { return finished_steps_; }
  std::int64_t resumes(const std::string& run) const;

  // Compares what was found with what must be: `found` of `wanted` pieces are there. `whole`: all or nothing.
  void observe(CheckReport& report, std::int64_t number, std::int64_t found, std::int64_t wanted,
               std::string_view what, bool whole = true);
  // Something in the store that no operation, or one that never happened, would have made.
  void must_be_explained(CheckReport& report, std::int64_t number, std::string_view op, const std::string& what);

 private:
  std::map<std::int64_t, Told> operations_;
  std::map<std::pair<std::string, std::string>, StepTold> finished_steps_;
  std::map<std::string, std::int64_t> resumes_;
};

}  // namespace martlet::storage
