// lifecycle/loop_keeper.h: drives the loop of a deployment beside its server: starts `martlet
// monitor tick` in a child process whenever something is due, and sleeps until the next time.
//
// In a child of low priority, on some of the processors, first to go when memory runs out: judging
// a million predictions or training a model may slow or fail, and the server answers on. What a
// tick promotes, the server notices by the alias, as it would anybody's promotion (serve.h).
// Lifetime: from start() to stop() (the destructor stops too). A thread of its own; idle, it wakes
// once an hour.
#pragma once
#include "base/result.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "registry/names.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace martlet::lifecycle {

struct LoopKeeperOptions {
  registry::Environment environment = registry::Environment::Experiment;
  std::vector<std::string> flags;  // more of them, for the child
  // The child's process variables, all of them: those that webhooks' URLs stand in.
  std::vector<std::pair<std::string, std::string>> variables;
};

class LoopKeeper {
 public:
  // The project as it is now is what the ticks obey, whatever becomes of its file (DESIGN §12.14).
  // Store and project must outlive the keeper.
  static Result<std::unique_ptr<LoopKeeper>> start(const Store& store, const Project& project,
                                                   LoopKeeperOptions options);
  ~LoopKeeper();
  LoopKeeper(const LoopKeeper&) = delete;
  LoopKeeper& operator=(const LoopKeeper&) = delete;

  // Interrupts the tick that runs, without waiting: a training is left to the next start.
  void ask_to_stop();
  // Asks, and waits until the child is gone: at most kGrace, then it is killed.
  void stop();

 private:
  struct State;
  explicit LoopKeeper(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace martlet::lifecycle
