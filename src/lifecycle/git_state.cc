#include "lifecycle/git_state.h"

#include "base/text.h"
#include "platform/process.h"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace martlet::lifecycle {

namespace {

bool is_in_repository(FileSystem& files, const std::string& directory) {
  std::filesystem::path at(directory);
  for (;;) {
    if (files.exists((at / ".git").string())) return true;
    const std::filesystem::path above = at.parent_path();
    if (above == at || above.empty()) return false;
    at = above;
  }
}

// What git wrote; nothing when it could not be asked.
std::optional<platform::ProcessResult> ask_git(const std::string& directory,
                                               const std::vector<std::string>& question) {
  platform::ProcessOptions options;
  // The user's own settings stay out (there is no HOME): they may name programs to run, and change
  // how a diff looks.
  options.argv = {
      "git", "-C", directory, "-c", "core.fsmonitor=false", "-c", "core.quotePath=false"};
  options.argv.insert(options.argv.end(), question.begin(), question.end());
  options.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                         {"LC_ALL", "C"},
                         {"GIT_CONFIG_NOSYSTEM", "1"},
                         {"GIT_OPTIONAL_LOCKS", "0"},
                         {"GIT_TERMINAL_PROMPT", "0"}};
  options.time_limit = std::chrono::seconds(10);
  options.grace = std::chrono::milliseconds(200);
  options.output_limit_bytes = kDiffLimitBytes;
  auto result = platform::run_process(options, Deadline(), CancelToken());
  if (!result.has_value() || !result->succeeded()) return std::nullopt;
  return std::move(*result);
}

}  // namespace

std::optional<GitState> git_state_of(FileSystem& files, const std::string& directory) {
  const std::string folder =
      std::filesystem::absolute(directory.empty() ? "." : directory).lexically_normal().string();
  if (!is_in_repository(files, folder)) return std::nullopt;
  const auto head = ask_git(folder, {"rev-parse", "--verify", "--quiet", "HEAD"});
  if (!head.has_value()) return std::nullopt;
  GitState state;
  state.commit = std::string(trim(head->out));
  const auto diff =
      ask_git(folder, {"diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames",
                       "--src-prefix=a/", "--dst-prefix=b/", "--relative", "HEAD", "--", ".",
                       ":(exclude,glob)**/.env*", ":(exclude,glob)**/*.pem",
                       ":(exclude,glob)**/*.key", ":(exclude,glob)**/*.p12"});
  if (!diff.has_value()) return state;
  state.diff = diff->out;
  state.dirty = !state.diff.empty();
  state.cut = diff->truncated;
  return state;
}

}  // namespace martlet::lifecycle
