// deployment/internal/scorer_pool.h: row scorers waiting for work, so that answering one row
// allocates nothing and takes no lock.
//
// Each thread begins its search at a slot of its own, and finds there what it left, in the steady
// state. Thread-safe. Used by ServedModel only.
#pragma once
#include "columns/cell.h"
#include "models/raw_predictor.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace martlet::deployment {

class ScorerPool {
 public:
  struct Scorer {
    std::unique_ptr<models::RowScorer> rows;
    std::vector<columns::Cell> cells;  // one per input
  };

  ScorerPool() = default;
  ~ScorerPool();
  ScorerPool(const ScorerPool&) = delete;
  ScorerPool& operator=(const ScorerPool&) = delete;

  // Null when none is waiting near this thread's slot: the caller makes one.
  std::unique_ptr<Scorer> take();
  // Kept for the next one, or destroyed when there's no room near this thread's slot.
  void give_back(std::unique_ptr<Scorer> scorer);

 private:
  static constexpr std::size_t kSlots = 64;
  static constexpr std::size_t kTries = 8;
  static std::size_t slot_of_thread();

  std::array<std::atomic<Scorer*>, kSlots> slots_{};
};

}  // namespace martlet::deployment
