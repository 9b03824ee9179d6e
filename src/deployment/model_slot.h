// deployment/model_slot.h: the place where one model version is live, and where another takes over
// without anybody waiting.
//
// One per deployment, made by lifecycle; outlives the InferenceService over it. Thread-safe. A
// reader takes no mutex (SharedSlot), and a request keeps the version it began with until it is
// answered.
#pragma once
#include "deployment/served_model.h"
#include "deployment/shared_slot.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace martlet::deployment {

// What one version has answered since this process began.
struct VersionCounts {
  registry::Version version;
  std::uint64_t requests = 0;  // answered
  std::uint64_t rows = 0;      // in those
  std::uint64_t failed = 0;    // requests that the model gave no answer to
};

// A model while it is live or still answering.
class LiveModel {
 public:
  const ServedModel& model() const { return *model_; }
  void count_answered(std::size_t rows) const {
    tally_->requests.fetch_add(1, std::memory_order_relaxed);
    tally_->rows.fetch_add(rows, std::memory_order_relaxed);
  }
  void count_failed() const { tally_->failed.fetch_add(1, std::memory_order_relaxed); }

 private:
  friend class ModelSlot;
  struct Tally {
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> rows{0};
    std::atomic<std::uint64_t> failed{0};
  };
  std::shared_ptr<const ServedModel> model_;
  std::shared_ptr<Tally> tally_;  // shared with the slot, and by all turns of one version
};

class ModelSlot {
 public:
  ModelSlot() = default;
  ModelSlot(const ModelSlot&) = delete;
  ModelSlot& operator=(const ModelSlot&) = delete;

  // From here on new requests are answered by `model`; null takes the model away. Gives back the
  // one that was live: it's freed with the last request that it still answers.
  std::shared_ptr<const ServedModel> swap(std::shared_ptr<const ServedModel> model);
  // Null when nothing is live.
  std::shared_ptr<const ServedModel> current() const;
  std::shared_ptr<const LiveModel> live() const { return live_.load(); }

  // Of every version that was ever live here, by number.
  std::vector<VersionCounts> counts() const;

 private:
  SharedSlot<const LiveModel> live_;
  mutable std::mutex tallies_mutex_;  // guards tallies_; never taken by a request
  std::map<registry::Version, std::shared_ptr<LiveModel::Tally>> tallies_;
};

}  // namespace martlet::deployment
