// platform/internal/spawn.h: the delicate half of process.h: from vfork to execve.
#pragma once
#include "base/result.h"
#include "platform/internal/posix.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace martlet::platform {

struct SpawnRequest {
  const std::vector<std::string>& argv;
  const std::vector<std::pair<std::string, std::string>>& environment;
  const std::string& working_directory;
  std::uint64_t memory_bytes = 0;
  std::int64_t cpu_seconds = 0;
  int niceness = 0;
  int processors = 0;
  bool first_to_die = false;
  int input = -1;  // the child's standard streams; kept open on our side by the caller
  int output = -1;
  int error = -1;
};

// Starts it in a process group of its own and returns its pid. NotFound and PermissionDenied name
// the program.
Result<int> spawn(const SpawnRequest& request);

// The file that argv[0] means, looked up in PATH of `environment` when it has no slash. NotFound
// otherwise.
Result<std::string>
find_program(const std::string& name,
             const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace martlet::platform
