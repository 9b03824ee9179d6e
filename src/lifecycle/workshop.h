// lifecycle/workshop.h: what the steps of a run share: the store, the project, and what was read
// once already.
//
// One per pipeline run (or simulation); thread-safe. Frames and look-up tables are kept in memory,
// by the digests of what they were made of, so that steps of one process read a dataset version
// once.
#pragma once
#include "base/digest.h"
#include "base/result.h"
#include "features/lookup_table.h"
#include "lifecycle/fitting.h"
#include "lifecycle/frame.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "problem/problem.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace martlet::lifecycle {

class Workshop {
 public:
  // Both must outlive the workshop. `threads`: for reading and training; 0 means all of the
  // machine's.
  Workshop(const Store& store, const Project& project, int threads = 0)
      : store_(store), project_(project), threads_(threads) {}

  const Store& store() const { return store_; }
  const Project& project() const { return project_; }
  int threads() const;

  // The rows of a dataset version.
  Result<columns::Batch> rows_of(const Digest& version) const;
  // The contract, bound to the columns of that version.
  Result<std::shared_ptr<const problem::Problem>> problem(const Digest& version);
  Result<std::shared_ptr<const Frame>> frame(const Digest& version);
  // The tables of the project's look-ups; `versions` gives each dataset's version.
  Result<features::Lookups> lookups(const std::map<std::string, Digest>& versions);

  // What those tables were built of, by the name of the look-up.
  Result<std::map<std::string, columns::Batch>>
  lookup_rows(const std::map<std::string, Digest>& versions) const;

  Result<FitHost> fit_host(CancelToken cancel, std::function<void(std::string_view)> log) const;

 private:
  const Store& store_;
  const Project& project_;
  int threads_;
  std::mutex mutex_;  // guards the maps; held while something is made, so that it's made once
  std::map<Digest, std::shared_ptr<const problem::Problem>> problems_;
  std::map<Digest, std::shared_ptr<const Frame>> frames_;
  std::map<std::pair<std::string, Digest>, std::shared_ptr<const features::LookupTable>> tables_;
};

}  // namespace martlet::lifecycle
