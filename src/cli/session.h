// cli/session.h: one call of the command: its global flags, and what it builds when a verb asks for
// it.
#pragma once
#include "base/result.h"
#include "cli/console.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace martlet::cli {

class Session {
 public:
  Session();
  ~Session();

  Console console;
  std::string project_path;  // --project
  std::string store_path;    // --store, or MARTLET_STORE
  std::string blobs_place;   // --blobs, or MARTLET_BLOBS
  std::string log_level = "warn";
  std::string log_format = "text";

  // What the chosen verb does; gives the exit status.
  std::function<Result<int>()> action;

  const lifecycle::Host& host();
  // --project, or the current folder's martlet.yaml.
  Result<lifecycle::Project> project();
  // --store, else the project's .martlet.
  Result<std::unique_ptr<lifecycle::Store>> store(const lifecycle::Project& project,
                                                  lifecycle::WhenMissing when_missing);
  // For verbs that need no project file: --store, else ./.martlet.
  Result<std::unique_ptr<lifecycle::Store>> existing_store();
  // The same place, made when it is missing.
  Result<std::unique_ptr<lifecycle::Store>> named_store();

 private:
  struct Parts;
  Result<std::unique_ptr<lifecycle::Store>> open_named(lifecycle::WhenMissing when_missing);
  std::unique_ptr<Parts> parts_;
};

// Exit statuses beside those of errors (DESIGN §5).
inline constexpr int kSuccess = 0;
inline constexpr int kWorkFailed = 1;
inline constexpr int kNotRequired = 4;

// "martlet-<version>-<build id of this program>": part of every step's key.
std::string code_version();
std::string program_version();

// The process variables that the project's webhooks name, as far as they are set.
std::vector<std::pair<std::string, std::string>>
webhook_variables(const lifecycle::Project& project);

// The process variables that reach a store's blobs on an S3 server, as far as they are set.
std::vector<std::pair<std::string, std::string>> blob_variables();

// The process variables from which libpq takes what a PostgreSQL URL leaves out, as far as they are
// set.
std::vector<std::pair<std::string, std::string>> database_variables();

// A number as people read it: six significant digits.
std::string number_text(double value);
std::string number_text(const Json& value);  // "-" for null

}  // namespace martlet::cli
