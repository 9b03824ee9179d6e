// workflow/component.h: what a step runs: a named, versioned function from inputs and parameters to
// outputs.
//
// lifecycle/ lists the built-in components in one table and hands it to the runner. A component's
// function may run twice for one step (after a crash), so its effects outside its outputs must be
// idempotent: blobs are, by their nature.
#pragma once
#include "base/cancel.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace martlet::workflow {

// What a running step sees. Valid during the call.
struct StepContext {
  RunId run;
  std::string step;
  int attempt = 1;
  const Json& parameters;
  const std::map<std::string, Json>& inputs;  // by the step's own names for them
  CancelToken cancel;
  std::function<void(std::string_view)> log;  // one line to the step's log; thread-safe
};

struct Component {
  std::string name;     // "martlet/train"
  std::string version;  // changes whenever the same inputs may give other outputs
  // Outputs are a JSON object of named values. Large things are blobs, referred to by "sha256:…"
  // texts.
  std::function<Result<Json>(const StepContext&)> run;
};

using ComponentTable = std::map<std::string, Component>;

}  // namespace martlet::workflow
