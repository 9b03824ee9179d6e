// lifecycle/git_state.h: at which commit the project's folder stands, and what is changed there and
// not committed. Recorded with each run.
//
// Asks the git of this machine, without a shell. No repository, no git, a git that refuses or takes
// too long: no state, and no error. Nothing is started when no folder above has a ".git".
#pragma once
#include "base/file_system.h"

#include <cstddef>
#include <optional>
#include <string>

namespace martlet::lifecycle {

inline constexpr std::size_t kDiffLimitBytes = 1u << 20;

struct GitState {
  std::string commit;  // 40 or 64 hex digits
  bool dirty = false;  // a tracked file inside the folder differs from the commit
  // Of tracked files inside the folder only, at most kDiffLimitBytes: beyond it the middle is left
  // out, and `cut` says so. Files that usually hold secrets (.env*, *.pem, *.key, *.p12) are left
  // out.
  std::string diff;
  bool cut = false;
};

std::optional<GitState> git_state_of(FileSystem& files, const std::string& directory);

}  // namespace martlet::lifecycle
