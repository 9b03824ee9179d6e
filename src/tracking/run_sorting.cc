#include "tracking/internal/run_sorting.h"

#include "tracking/internal/records.h"
#include "tracking/internal/run_batches.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

namespace martlet::tracking {

namespace {

using metadata::Condition;
using metadata::equal;
using metadata::Order;
using metadata::ReadTransaction;

constexpr std::size_t kAskedOneByOne = 5'000;  // more runs: all records of the key are read

// The records of those runs that have the key, and maybe others `among` all of its records. Few
// runs are asked for by what nothing else is an index of: themselves.
template <class R, class Function>
Result<void> each(const ReadTransaction& tx, const Condition& of_key, const Condition& among,
                  const std::vector<RunRow>& runs, Function function) {
  const auto take = [&](const Condition& condition) -> Result<void> {
    MARTLET_TRY_SET(std::vector<R> records, tx.select<R>(condition));
    for (R& record : records) function(record);
    return {};
  };
  if (runs.size() > kAskedOneByOne) return take(among && of_key);
  std::vector<RunId> ids;
  ids.reserve(runs.size());
  for (const RunRow& run : runs) ids.push_back(run.id);
  return in_batches("run", ids,
                    [&](const Condition& of_some, auto, auto) { return take(of_some && of_key); });
}

template <class T>
int directed(const T& a, const T& b, Order order) {
  if (a == b) return 0;
  return (a < b) == (order == Order::Ascending) ? -1 : 1;
}

// Those without a value come last in both directions, NaN just before them.
template <class Map>
int compare_in(const Map& map, const RunRow& a, const RunRow& b, Order order) {
  const auto left = map.find(a.id);
  const auto right = map.find(b.id);
  if (left == map.end() || right == map.end())
    return left == right ? 0 : (left == map.end() ? 1 : -1);
  if constexpr (std::is_same_v<typename Map::mapped_type, double>) {
    const bool left_nan = std::isnan(left->second);
    const bool right_nan = std::isnan(right->second);
    if (left_nan || right_nan) return left_nan == right_nan ? 0 : (left_nan ? 1 : -1);
  }
  return directed(left->second, right->second, order);
}

int compare_attribute(const std::string& column, const RunRow& a, const RunRow& b, Order order) {
  if (column == "started") return directed(a.started, b.started, order);
  if (column == "ended") {
    if (!a.ended || !b.ended) return a.ended == b.ended ? 0 : (a.ended ? -1 : 1);
    return directed(*a.ended, *b.ended, order);
  }
  if (column == "name") return directed(a.name, b.name, order);
  if (column == "user") return directed(a.user, b.user, order);
  if (column == "status") return directed(name_of(a.status), name_of(b.status), order);
  if (column == "experiment") return directed(a.experiment, b.experiment, order);
  return directed(a.id, b.id, order);
}

}  // namespace

Result<RunSorter> RunSorter::create(const ReadTransaction& tx, const RunPlan& plan,
                                    const std::vector<RunRow>& runs) {
  RunSorter sorter(plan);
  for (const RunTerm& term : plan.terms) {
    Values values;
    const Condition of_key = equal("key", term.key);
    const auto add_text = [&](auto& record) { values.texts[record.run] = std::move(record.value); };
    if (term.entity == RunEntity::Metric) {
      MARTLET_TRY(each<MetricRow>(tx, of_key, plan.experiments(), runs, [&](MetricRow& metric) {
        values.numbers[metric.run] = metric.value;
      }));
    } else if (term.entity == RunEntity::Param) {
      MARTLET_TRY(each<ParamRecord>(tx, of_key, {}, runs, add_text));
    } else if (term.entity == RunEntity::Tag) {
      MARTLET_TRY(each<TagRecord>(tx, of_key, {}, runs, add_text));
    }
    sorter.values_.push_back(std::move(values));
  }
  return sorter;
}

bool RunSorter::before(const RunRow& a, const RunRow& b) const {
  for (std::size_t i = 0; i < plan_.terms.size(); ++i) {
    const RunTerm& term = plan_.terms[i];
    int order = 0;
    if (term.entity == RunEntity::Attribute) {
      order = compare_attribute(term.key, a, b, term.order);
    } else if (term.entity == RunEntity::Metric) {
      order = compare_in(values_[i].numbers, a, b, term.order);
    } else {
      order = compare_in(values_[i].texts, a, b, term.order);
    }
    if (order != 0) return order < 0;
  }
  if (a.started != b.started) return a.started > b.started;
  return a.id < b.id;
}

// Runs of one place are passed over by counting.
RunSorter::Place RunSorter::place_of(const RunRow& run) const {
  switch (plan_.place()) {
    case RunPlace::Started: return {0, run.started.micros};
    case RunPlace::Offset: return {0, 0};
    case RunPlace::Text:
      return values_.front().texts.contains(run.id) ? Place{0, 0} : Place{2, run.started.micros};
    default: break;
  }
  const auto found = values_.front().numbers.find(run.id);
  if (found == values_.front().numbers.end()) return {2, run.started.micros};
  if (std::isnan(found->second)) return {1, run.started.micros};
  // 0 and -0 are one place.
  return {0, std::bit_cast<std::int64_t>(found->second == 0 ? 0.0 : found->second)};
}

bool RunSorter::before_the_page(const RunRow& run) const {
  const RunCursor& from = plan_.search.from;
  const Place place = place_of(run);
  if (place.part != from.part || !from.at.has_value()) return place.part < from.part;
  if (plan_.place() == RunPlace::Started)
    return directed(place.at, *from.at, plan_.start_order()) < 0;
  if (place.part > 0) return place.at > *from.at;
  if (plan_.place() != RunPlace::Metric) return false;
  return directed(std::bit_cast<double>(place.at), std::bit_cast<double>(*from.at),
                  plan_.terms.front().order) < 0;
}

RunIdPage RunSorter::page(std::vector<RunRow> runs) const {
  const auto earlier = [&](const RunRow& a, const RunRow& b) { return before(a, b); };
  const RunSearch& search = plan_.search;
  runs.erase(std::remove_if(runs.begin(), runs.end(),
                            [&](const RunRow& run) { return before_the_page(run); }),
             runs.end());
  const std::int64_t begin = std::min(search.from.offset, std::ssize(runs));
  const std::int64_t end =
      search.limit < std::ssize(runs) - begin ? begin + search.limit : std::ssize(runs);
  std::partial_sort(runs.begin(), runs.begin() + end, runs.end(), earlier);
  RunIdPage page;
  for (std::int64_t i = begin; i < end; ++i)
    page.ids.push_back(runs[static_cast<std::size_t>(i)].id);
  if (end == std::ssize(runs)) return page;
  if (end == 0) {
    page.next = search.from;
    return page;
  }
  const Place last = place_of(runs[static_cast<std::size_t>(end - 1)]);
  page.next = RunCursor{last.part, 0, last.at};
  for (std::int64_t i = end; i > 0 && place_of(runs[static_cast<std::size_t>(i - 1)]) == last; --i)
    ++page.next->offset;
  return page;
}

}  // namespace martlet::tracking
