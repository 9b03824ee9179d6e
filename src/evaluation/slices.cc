#include "evaluation/slices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace martlet::evaluation {

Result<Groups> group_rows(const columns::Column& column, const std::string& name) {
  std::map<std::string, std::uint32_t, std::less<>> numbers;
  Groups groups;
  groups.of_row.reserve(column.size());
  for (std::size_t i = 0; i < column.size(); ++i) {
    std::string value(kMissingGroup);
    if (!column.is_missing(i)) value = columns::to_text(column.cell(i));
    auto found = numbers.find(value);
    if (found == numbers.end()) {
      if (numbers.size() == kMostGroups) {
        return invalid_argument(fmt::format(
            "the column {} has more than {} values; group them first", name, kMostGroups));
      }
      found = numbers.emplace(std::move(value), static_cast<std::uint32_t>(numbers.size())).first;
    }
    groups.of_row.push_back(found->second);
  }
  // From the order of first appearance to the order of names.
  std::vector<std::uint32_t> place(numbers.size());
  for (const auto& [value, number] : numbers) {
    place[number] = static_cast<std::uint32_t>(groups.names.size());
    groups.names.push_back(value);
  }
  for (std::uint32_t& number : groups.of_row) number = place[number];
  return groups;
}

namespace {

problem::Outcomes part_of(const problem::Outcomes& outcomes, std::span<const std::uint32_t> rows) {
  problem::Outcomes part{
      .rows = outcomes.rows.take(rows), .actual = {}, .score = {}, .predicted = {}};
  for (const std::uint32_t row : rows) {
    part.actual.push_back(outcomes.actual[row]);
    if (!outcomes.score.empty()) part.score.push_back(outcomes.score[row]);
    if (!outcomes.predicted.empty()) part.predicted.push_back(outcomes.predicted[row]);
  }
  return part;
}

// The slices of one column.
struct ColumnSlices {
  std::vector<Slice> slices;
  std::vector<metrics::Statistic> statistics;  // of the same, when intervals are wanted
};

void add_intervals(ColumnSlices& column, const metrics::Blocks& blocks,
                   const metrics::BootstrapOptions& bootstrap) {
  const std::size_t count = blocks.count();
  const auto resampled = metrics::resample(column.statistics, count, bootstrap);
  for (std::size_t i = 0; i < column.slices.size(); ++i) {
    const metrics::Interval interval =
        metrics::interval_of(column.slices[i].kpi, resampled[i], count, bootstrap.confidence);
    column.slices[i].low = interval.low;
    column.slices[i].high = interval.high;
  }
}

}  // namespace

Result<std::vector<Slice>> make_slices(const problem::Kpi& kpi, const problem::Outcomes& outcomes,
                                       std::span<const std::string> columns,
                                       const metrics::Blocks* blocks,
                                       const metrics::BootstrapOptions& bootstrap) {
  std::vector<Slice> slices;
  metrics::BootstrapOptions options = bootstrap;
  options.confidence = kpi.confidence().value_or(bootstrap.confidence);
  for (const std::string& name : columns) {
    MARTLET_TRY_SET(const columns::Column* column, outcomes.rows.column(name));
    MARTLET_TRY_SET(const Groups groups, group_rows(*column, name));
    std::vector<std::vector<std::uint32_t>> members(groups.names.size());
    for (std::size_t i = 0; i < groups.of_row.size(); ++i)
      members[groups.of_row[i]].push_back(static_cast<std::uint32_t>(i));
    ColumnSlices made;
    for (std::size_t g = 0; g < members.size(); ++g) {
      const problem::Outcomes part = part_of(outcomes, members[g]);
      Slice slice{.column = name, .value = groups.names[g]};
      slice.rows = std::count_if(part.actual.begin(), part.actual.end(),
                                 [](double actual) { return !std::isnan(actual); });
      MARTLET_TRY_SET(slice.kpi, kpi.estimate(part));
      made.slices.push_back(std::move(slice));
      if (blocks == nullptr) continue;
      MARTLET_TRY_SET(metrics::Statistic statistic,
                      kpi.statistic(part, blocks->select(members[g])));
      made.statistics.push_back(std::move(statistic));
    }
    if (blocks != nullptr && !made.slices.empty()) add_intervals(made, *blocks, options);
    slices.insert(slices.end(), made.slices.begin(), made.slices.end());
  }
  return slices;
}

Json to_json(std::span<const Slice> slices) {
  Json json = Json::array();
  for (const Slice& slice : slices) {
    json.push_back({{"column", slice.column},
                    {"value", slice.value},
                    {"rows", slice.rows},
                    {"kpi", number_or_null(slice.kpi)},
                    {"low", number_or_null(slice.low)},
                    {"high", number_or_null(slice.high)}});
  }
  return json;
}

}  // namespace martlet::evaluation
