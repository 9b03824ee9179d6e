#include "deployment/internal/scorer_pool.h"

namespace martlet::deployment {

ScorerPool::~ScorerPool() {
  for (std::atomic<Scorer*>& slot : slots_)
    std::unique_ptr<Scorer>(slot.exchange(nullptr, std::memory_order_acquire)).reset();
}

std::size_t ScorerPool::slot_of_thread() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t number = threads.fetch_add(1, std::memory_order_relaxed);
  return number % kSlots;
}

std::unique_ptr<ScorerPool::Scorer> ScorerPool::take() {
  const std::size_t home = slot_of_thread();
  for (std::size_t i = 0; i < kTries; ++i) {
    std::atomic<Scorer*>& slot = slots_[(home + i) % kSlots];
    if (slot.load(std::memory_order_relaxed) == nullptr) continue;
    if (Scorer* const found = slot.exchange(nullptr, std::memory_order_acquire))
      return std::unique_ptr<Scorer>(found);
  }
  return nullptr;
}

void ScorerPool::give_back(std::unique_ptr<Scorer> scorer) {
  const std::size_t home = slot_of_thread();
  for (std::size_t i = 0; i < kTries; ++i) {
    Scorer* free = nullptr;
    if (slots_[(home + i) % kSlots].compare_exchange_strong(
            free, scorer.get(), std::memory_order_release, std::memory_order_relaxed)) {
      static_cast<void>(scorer.release());  // the slot owns it now
      return;
    }
  }
}

}  // namespace martlet::deployment
