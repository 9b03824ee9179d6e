// base/ids.h: identifiers as distinct types, so that no function takes two bare strings that could
// be swapped.
#pragma once
#include "base/clock.h"
#include "base/random.h"

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace martlet {

template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  std::string text_;
};

using ExperimentId = Id<struct ExperimentTag>;
using RunId = Id<struct RunTag>;
using StepId = Id<struct StepTag>;
using PredictionId = Id<struct PredictionTag>;

// 32 lower-case hex digits that sort by time: 48 bits of milliseconds, then 80 random bits (the
// layout of UUIDv7 without its dashes).
std::string new_id(const Clock& clock, Random& random);

}  // namespace martlet

template <class Tag>
struct std::hash<martlet::Id<Tag>> {
  std::size_t operator()(const martlet::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.text());
  }
};
