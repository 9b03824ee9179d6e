// lifecycle/serve.h: the use case "serve": the live model of an environment, kept current,
// answering and logging.
//
// Lifetime: from open() to close() (the destructor closes too). A thread of its own watches the
// store for another live version or newer look-up data, swaps it in, and makes logged predictions
// durable within 100 ms. Idle, it looks once a second.
#pragma once
#include "base/result.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "metadata/also.h"
#include "monitoring/truth.h"
#include "registry/names.h"

#include <memory>
#include <string>

namespace martlet::deployment {
class InferenceService;
class ModelSlot;
}  // namespace martlet::deployment

namespace martlet::lifecycle {

class LiveDeployment {
 public:
  // NotFound when no version is live in that environment, or a look-up's dataset has no version.
  // Corrupt when the package isn't what it was.
  static Result<std::unique_ptr<LiveDeployment>> open(const Store& store, const Project& project,
                                                      registry::Environment environment);
  ~LiveDeployment();
  LiveDeployment(const LiveDeployment&) = delete;
  LiveDeployment& operator=(const LiveDeployment&) = delete;

  deployment::InferenceService& service();
  deployment::ModelSlot& slot();
  // Records {key: {column: value}, actual, known_at}; all or nothing, durable when it returns.
  // {fresh, corrected, repeated}. InvalidArgument with every finding.
  Result<Json> accept_truth(const Json& records, const metadata::Also<Json>& also = {});
  std::string live_version() const;  // "flight-delay/3"

  // Stops watching and makes what was logged durable.
  Result<void> close();

 private:
  struct State;
  explicit LiveDeployment(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace martlet::lifecycle
