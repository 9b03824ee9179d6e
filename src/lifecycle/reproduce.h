// lifecycle/reproduce.h: the use case "reproduce": a recorded run made again in a clean store, and
// every output compared.
//
// The recipe is the recorded one: the project file, the compiled pipeline with the champion and the
// moment of that time. The inputs are the source files while they hold the recorded bytes, else the
// recorded dataset versions. Nothing is written into the store of the run.
#pragma once
#include "base/cancel.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "lifecycle/store.h"
#include "workflow/records.h"

#include <functional>
#include <string>

namespace martlet::lifecycle {

struct ReproduceRequest {
  RunId run;
  int threads = 0;          // 0: all of the machine's; the outputs don't depend on it
  bool keep_store = false;  // the scratch store stays, for a look at what differs
  CancelToken cancel;
  std::function<void(const workflow::StepRecord&)> on_step;
};

struct ReproduceReport {
  bool equal = false;
  // DESIGN §5's {run, equal, outputs: [{name, expected, actual}]}, and: threads, code, inputs,
  // environment, seconds, store. docs/reproduce.md describes all of it.
  Json json;
};

// NotFound: no such run, or a dataset that can be had neither from its sources nor from the record.
// Conflict while the run goes on. InvalidArgument when it gave no outputs, or this program can't
// read its project file. Cancelled. A step that fails is a difference, and in the report.
Result<ReproduceReport> reproduce_run(const Store& store, const ReproduceRequest& request);

}  // namespace martlet::lifecycle
