// tracking/internal/run_walk.h: records in the order of an index, tested one by one until there are
// enough. It goes slice by slice, each longer than the one before, so that after the first the
// caller can turn to another way, and a table that has to be sorted is sorted in slices.
#pragma once
#include "base/result.h"
#include "metadata/database.h"

#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace martlet::tracking {

constexpr std::int64_t kSliceGrowth = 8;

// Asked once behind the first slices with what they have found among how many records: whether to
// stop there.
using WalkStop = std::function<Result<bool>(std::int64_t found, std::int64_t tested)>;

// R: the record; Key: of the column `column`, in whose order the walk goes.
template <class R, class Key>
class RunWalk {
 public:
  metadata::Condition range;  // what is walked
  // What slices are measured in, in the order of an index: `range` or more than it.
  metadata::Condition measure;
  metadata::Condition tests;
  std::string column;
  metadata::Order order = metadata::Order::Descending;
  std::function<void(metadata::Query&)> order_rest;  // among equal keys
  std::function<Key(const R&)> key_of;
  std::optional<Key> begin{};    // where to begin, itself included
  std::int64_t first_slice = 0;  // records of the index; 0: all in one slice

  // The first `wanted` records that hold; nullopt when stopped.
  Result<std::optional<std::vector<R>>> first(const metadata::ReadTransaction& tx,
                                              std::int64_t wanted, const WalkStop& stop) const {
    std::vector<R> found;
    std::int64_t tested = 0;
    bool asked = false;
    std::optional<Key> from = begin;
    if (!from.has_value() && first_slice > 0) {
      MARTLET_TRY_SET(from, end_of(tx, from, 0));
      if (!from.has_value()) return std::optional(std::move(found));
    }
    for (std::int64_t steps = first_slice;; steps *= kSliceGrowth) {
      std::optional<Key> to;
      if (steps > 0) {
        MARTLET_TRY_SET(to, end_of(tx, from, steps));
      }
      if (to.has_value() && to == from) continue;  // more equal keys than steps
      metadata::Query query(between(range, from, to) && tests);
      query.order_by(column, order);
      order_rest(query);
      MARTLET_TRY_SET(std::vector<R> some,
                      tx.template select<R>(query.limit(wanted - std::ssize(found))));
      std::move(some.begin(), some.end(), std::back_inserter(found));
      if (!to.has_value() || std::ssize(found) >= wanted) return std::optional(std::move(found));
      if (!asked) {
        // Equal keys may have left little of the slice.
        MARTLET_TRY_SET(const std::int64_t records,
                        tx.template count_at_most<R>(between(range, from, to), steps));
        tested += records;
        asked = tested >= first_slice / 4;
      }
      from = to;
      if (!asked || tested == 0) continue;
      MARTLET_TRY_SET(const bool stops, stop(std::ssize(found), tested));
      if (stops) return std::optional<std::vector<R>>();
      tested = 0;
    }
  }

 private:
  // The key `steps` records on; nullopt when there are fewer.
  Result<std::optional<Key>> end_of(const metadata::ReadTransaction& tx,
                                    const std::optional<Key>& from, std::int64_t steps) const {
    metadata::Query query(between(measure, from, std::nullopt));
    query.order_by(column, order).offset(steps);
    MARTLET_TRY_SET(const std::optional<R> there, tx.template first<R>(std::move(query)));
    return there.has_value() ? std::optional<Key>(key_of(*there)) : std::nullopt;
  }
  metadata::Condition between(metadata::Condition condition, const std::optional<Key>& from,
                              const std::optional<Key>& to) const {
    const bool down = order == metadata::Order::Descending;
    if (from.has_value())
      condition = std::move(condition) &&
                  (down ? metadata::at_most(column, *from) : metadata::at_least(column, *from));
    if (to.has_value())
      condition = std::move(condition) &&
                  (down ? metadata::greater(column, *to) : metadata::less(column, *to));
    return condition;
  }
};

}  // namespace martlet::tracking
