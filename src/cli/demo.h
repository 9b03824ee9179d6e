// cli/demo.h: the flagship example, driven by the same use cases as the verbs.
#pragma once
#include "cli/session.h"

namespace martlet::cli {

struct DemoFlags {
  std::string directory;
  std::string example;
};

// Run, gates, deployment with live predictions over HTTP, simulation. Exit status 1 when the loop
// did not earn what it promises.
Result<int> run_demo(Session& session, const DemoFlags& flags);

}  // namespace martlet::cli
