// lifecycle/turn.h: one turn of the loop, between its entry in the ledger and its end there: learn
// from what is known, test against the champion, and package what is to go live.
//
// No effect but blobs: Loop ends the turn and moves the alias in one transaction. Called by Loop,
// on the real clock and in simulate.
#pragma once
#include "base/cancel.h"
#include "base/result.h"
#include "lifecycle/challenger.h"
#include "lifecycle/lessons.h"
#include "lifecycle/packages.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "registry/names.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::lifecycle {

// The model that is live, as the loop sees it.
struct LoopModel {
  registry::ModelName name;
  registry::Version version;
  Timestamp trained_at;
  std::shared_ptr<const models::Package> package;
  monitoring::ReferenceProfile reference;

  std::string text() const { return registry::to_text(name, version); }  // "flight-delay/3"
  // The recipe that made it, as its package tells; of older packages, the project's candidate of
  // the same trainer.
  models::Candidate recipe(const Project& project) const;
};

struct TurnParts {
  const Store& store;
  const Project& project;
  const Lessons& lessons;
  std::span<const models::Candidate> candidates;
  const LoopModel* champion;  // nullptr: the first model, which wins
  Timestamp now;
  CancelToken cancel;
  std::function<void(std::string_view)> log;
};

struct TurnResult {
  bool promote = false;
  std::string why;                       // of the comparison
  Json details;                          // for the record
  std::optional<StoredPackage> package;  // of what is to go live
  std::size_t training_rows = 0;
  double threshold = 0.5;
  std::string trainer;
};

// InvalidArgument when there is too little history; Cancelled; else as training and packaging fail.
Result<TurnResult> take_turn(const TurnParts& parts);

}  // namespace martlet::lifecycle
