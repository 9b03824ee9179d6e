// cli/console.h: how the command talks: results on stdout, everything else on stderr; tables,
// colour and progress on a terminal, plain lines elsewhere; one JSON document with --json.
//
// One per process. print() and friends are for the main thread; progress may be updated from any.
#pragma once
#include "base/json.h"
#include "base/result.h"

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::cli {

class Console {
 public:
  Console();

  bool json = false;   // --json: stdout gets exactly one document
  bool quiet = false;  // no progress

  // A line of the result; nothing with --json.
  void print(std::string_view line) const;
  // The result itself, with --json.
  void print_json(const Json& document) const;
  // What is going on, on stderr.
  void note(std::string_view line) const;
  // Why something failed, on stderr; even when quiet.
  void complain(std::string_view line) const;
  // Columns are aligned; numbers (by their look) to the right. Nothing with --json.
  void table(const std::vector<std::string>& header,
             const std::vector<std::vector<std::string>>& rows) const;

  // Steps of a run while it goes on: on a terminal one line each, redrawn; elsewhere a line per
  // change.
  void show_step(const std::string& step, const std::string& status, const std::string& detail);
  void end_steps();

  bool colour() const { return colour_; }
  std::string green(std::string_view text) const { return painted("32", text); }
  std::string red(std::string_view text) const { return painted("31", text); }
  std::string yellow(std::string_view text) const { return painted("33", text); }
  std::string dim(std::string_view text) const { return painted("2", text); }
  std::string bold(std::string_view text) const { return painted("1", text); }

 private:
  std::string painted(const char* code, std::string_view text) const;
  void draw_steps();
  bool colour_ = false;  // stdout is a terminal that wants colour
  bool live_ = false;    // stderr is a terminal
  std::mutex mutex_;     // guards what follows
  std::vector<std::string> order_;
  std::map<std::string, std::pair<std::string, std::string>> steps_;
  std::size_t drawn_ = 0;
};

}  // namespace martlet::cli
