// lifecycle/live_loop_testing.h: a small project that is served on a virtual clock, for tests of
// the loop. Its world turns over on 1 March 2024: what made an order good makes it bad from then
// on.
#pragma once
#include "lifecycle/live_loop.h"
#include "lifecycle/serve.h"
#include "platform/real_file_system.h"

#include <memory>
#include <string>
#include <vector>

namespace martlet::lifecycle {

class ServedShop {
 public:
  // Runs the lifecycle as of 1 March: version 1 is live.
  explicit ServedShop(const std::string& monitoring);

  // Answers a day of orders over the serving path, and takes in their truth at its end. Days count
  // from 1 March.
  void serve_day(int day);
  // Midnight after that day, and a second.
  void end_of_day(int day);
  Result<LiveLoopReport> tick();
  LiveLoopOptions options() const { return options_; }

  std::string live() const;                              // "shop/1"
  std::vector<monitoring::RetrainRecord> turns() const;  // oldest first
  monitoring::DeploymentHistory history() const;
  Loop::Parts loop_parts() const;

  const Store& store() const { return *store_; }
  const Project& project() const { return *project_; }
  VirtualClock& clock() { return clock_; }
  CancelToken cancel() const { return options_.cancel; }
  const std::string& deployment() const { return deployment_; }

 private:
  platform::TemporaryDirectory directory_;
  platform::RealFileSystem files_;
  VirtualClock clock_;
  SeededRandom random_;
  platform::ThreadPool pool_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Project> project_;
  std::string deployment_;
  LiveLoopOptions options_;
};

}  // namespace martlet::lifecycle
