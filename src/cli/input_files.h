// cli/input_files.h: the flags that say how to read files without a project; shared by data
// profile, data validate, evaluate, drift and predict.
#pragma once
#include "base/result.h"
#include "columns/batch.h"

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace martlet::cli {

struct InputFlags {
  std::vector<std::string> nulls;
  std::vector<std::string> names;
  std::string delimiter;
  std::string comment;
  std::string zone = "UTC";
  int skip_lines = 0;
  bool no_header = false;
  bool trim = false;
};

// --null, --names, --no-header, --delimiter, --comment, --skip-lines, --trim, --zone.
std::shared_ptr<InputFlags> add_input_flags(CLI::App& verb);
// One table of the files that the paths and patterns name.
Result<columns::Batch> read_input(const std::vector<std::string>& paths, const InputFlags& flags);

}  // namespace martlet::cli
