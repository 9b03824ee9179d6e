#include "deployment/model_slot.h"

namespace martlet::deployment {

std::shared_ptr<const ServedModel> ModelSlot::swap(std::shared_ptr<const ServedModel> model) {
  std::shared_ptr<LiveModel> next;
  if (model != nullptr) {
    next = std::make_shared<LiveModel>();
    const std::lock_guard lock(tallies_mutex_);
    std::shared_ptr<LiveModel::Tally>& tally = tallies_[model->version()];
    if (tally == nullptr) tally = std::make_shared<LiveModel::Tally>();
    next->model_ = std::move(model);
    next->tally_ = tally;
  }
  const std::shared_ptr<const LiveModel> before = live_.exchange(next);
  return before == nullptr ? nullptr : before->model_;
}

std::shared_ptr<const ServedModel> ModelSlot::current() const {
  const std::shared_ptr<const LiveModel> now = live_.load();
  return now == nullptr ? nullptr : now->model_;
}

std::vector<VersionCounts> ModelSlot::counts() const {
  const std::lock_guard lock(tallies_mutex_);
  std::vector<VersionCounts> counts;
  for (const auto& [version, tally] : tallies_)
    counts.push_back({version, tally->requests.load(), tally->rows.load(), tally->failed.load()});
  return counts;
}

}  // namespace martlet::deployment
