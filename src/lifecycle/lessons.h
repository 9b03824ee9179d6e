// lifecycle/lessons.h: what a training learns from: the newest version of the dataset, made anew if
// its sources have changed; and on a server also what was asked of the model and turned out since.
#pragma once
#include "base/result.h"
#include "features/lookup_table.h"
#include "lifecycle/frame.h"
#include "lifecycle/run.h"
#include "monitoring/truth.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace martlet::lifecycle {

// The rows of the dataset as they are known, which of them have truth, and the tables of the
// look-ups. A value.
struct Lessons {
  std::shared_ptr<const Frame> frame;
  std::vector<std::uint32_t> known;  // by event time
  std::shared_ptr<const problem::Problem> problem;
  features::Lookups lookups;
  std::map<std::string, columns::Batch> lookup_rows;  // what the tables were built of
  std::string dataset_digest;                         // of the version behind the frame
};

// The data's steps of the lifecycle, run or taken from the cache; every row with a target is known.
// `request` says how they are shown and cancelled. InvalidArgument when a step fails.
Result<Lessons> gather_lessons(const Store& store, const Project& project, RunRequest request);

// At most so many logged predictions, the newest, become rows.
inline constexpr std::size_t kLoggedRows = 2'000'000;

// Joins what a deployment has learnt since, as of `now` (decision 0022):
// - the truth of a row's key takes the place of the dataset's, or fills it in;
// - a logged prediction whose key is not in the dataset, and whose truth is known, becomes a row of
//   its own: the columns that the model was asked with, and for the time, if that isn't among them,
//   the moment of the answer;
// - known is what has truth by now: told for its key, or in the dataset and due.
// Without problem.key nothing can be joined, and only the last rule applies.
Result<Lessons> with_truth(const Store& store, const Project& project,
                           const std::string& deployment, Lessons lessons, Timestamp now);

// The truth of these keys as the dataset has it (`monitoring.truth.source`), where it is due by
// `now`, taken into the deployment's truth: for windows, which know of no dataset. The dataset is
// made anew first if its sources have changed.
Result<monitoring::AcceptedTruth>
take_truth_from_dataset(const Store& store, const Project& project, const std::string& deployment,
                        const std::unordered_set<std::string>& keys, Timestamp now,
                        RunRequest request);

}  // namespace martlet::lifecycle
