// workflow/pipeline.h: a pipeline as data: named steps, what each runs, with which parameters, on
// whose outputs.
//
// A value. lifecycle/ compiles martlet.yaml into one; the runner executes it; graph.h draws it.
#pragma once
#include "base/finding.h"
#include "base/json.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace martlet::workflow {

// An output of an earlier step, handed to a step under a name of its own: "${train.model}".
struct OutputReference {
  std::string step;
  std::string output;
  bool operator==(const OutputReference&) const = default;
};

enum class CachePolicy : std::uint8_t { Use, Never };

struct Step {
  std::string name;       // unique in its pipeline: letters, digits, '-', '_', '.', ':'
  std::string component;  // "martlet/train"
  Json parameters = Json::object();
  std::map<std::string, OutputReference> inputs;
  std::vector<std::string> needs;  // must have succeeded before, beside those that `inputs` name
  CachePolicy cache = CachePolicy::Use;
  int max_attempts = 1;  // 1 to 10
};

struct Pipeline {
  std::string name;
  std::vector<Step> steps;
};

// Every problem at once: bad or double names, unknown references (with the nearest name), cycles,
// attempts out of range.
std::vector<Finding> check(const Pipeline& pipeline);

// For each step the indices of those it waits for, sorted and without repetition. The pipeline must
// have passed check().
std::vector<std::vector<std::size_t>> dependencies_of(const Pipeline& pipeline);

// The pipeline without the steps that `wanted` does not need, directly or through others. NotFound
// for an unknown name.
Result<Pipeline> only_what_is_needed_for(const Pipeline& pipeline,
                                         const std::vector<std::string>& wanted);

Json to_json(const Pipeline& pipeline);
// InvalidArgument when it isn't one.
Result<Pipeline> pipeline_from_json(const Json& json);

}  // namespace martlet::workflow
