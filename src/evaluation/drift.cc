#include "evaluation/drift.h"

#include "base/sort_numbers.h"
#include "metrics/distances.h"
#include "metrics/statistics.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <unordered_map>

namespace martlet::evaluation {
namespace {

using columns::Batch;
using columns::Column;
using columns::Type;

DriftType drift_type(Type type) {
  switch (type) {
    case Type::Int64:
    case Type::Double: return DriftType::Number;
    case Type::Timestamp:
    case Type::Date: return DriftType::Time;
    default: return DriftType::Category;
  }
}

double missing_share(const Column& column) {
  return column.size() == 0
             ? 0.0
             : static_cast<double>(column.missing_count()) / static_cast<double>(column.size());
}

// What is present, sorted. NaN and infinities can't be ordered against bins and count as missing.
std::vector<double> present_sorted(const Column& column) {
  std::vector<double> values = column.as_doubles();
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  sort_numbers(values);
  return values;
}

void compare_numbers(const Column& reference, const Column& current, ColumnDrift& drift) {
  const std::vector<double> before = present_sorted(reference);
  const std::vector<double> now = present_sorted(current);
  if (before.size() < kFewestValues || now.size() < kFewestValues) {
    drift.note = "too few values";
    return;
  }
  const std::vector<double> edges = metrics::decile_edges(before);
  drift.bins = static_cast<std::int64_t>(edges.size()) + 1;
  drift.psi = metrics::population_stability(metrics::bin_counts_sorted(edges, before),
                                            metrics::bin_counts_sorted(edges, now))
                  .value();
  const auto test = metrics::ks_two_sample_sorted(before, now).value();
  drift.ks = test.statistic;
  drift.ks_p = test.p;
  constexpr double kSmallestDeviation = 0.001;
  drift.wasserstein = metrics::wasserstein_sorted(before, now).value() /
                      std::max(metrics::standard_deviation(before, 0), kSmallestDeviation);
}

// Counts of each category in both tables, categories in the order in which they are met. Refers to
// the columns' texts.
class CategoryCounts {
 public:
  void add(const Column& column, std::size_t table) {
    for (std::size_t i = 0; i < column.size(); ++i) ++counts_[table][place_of(column, i)];
  }
  const std::vector<std::int64_t>& of(std::size_t table) const { return counts_[table]; }

 private:
  std::size_t place_of(const Column& column, std::size_t row) {
    if (column.is_missing(row)) return place(missing_);
    if (column.type() == Type::Bool) return place(flags_[column.bools()[row] != 0 ? 1 : 0]);
    const auto [found, is_new] = texts_.try_emplace(column.text(row), counts_[0].size());
    if (is_new) grow();
    return found->second;
  }
  std::size_t place(std::optional<std::size_t>& known) {
    if (!known) {
      known = counts_[0].size();
      grow();
    }
    return *known;
  }
  void grow() {
    counts_[0].push_back(0);
    counts_[1].push_back(0);
  }
  std::vector<std::int64_t> counts_[2];
  std::unordered_map<std::string_view, std::size_t> texts_;
  std::optional<std::size_t> missing_;
  std::optional<std::size_t> flags_[2];
};

void compare_categories(const Column& reference, const Column& current, ColumnDrift& drift) {
  if (reference.size() == 0 || current.size() == 0) {
    drift.note = "no rows";
    return;
  }
  CategoryCounts counts;
  counts.add(reference, 0);
  counts.add(current, 1);
  drift.bins = static_cast<std::int64_t>(counts.of(0).size());
  drift.psi = metrics::population_stability(counts.of(0), counts.of(1)).value();
  drift.js = metrics::jensen_shannon(counts.of(0), counts.of(1)).value();
  drift.chi2_p = metrics::chi_squared(counts.of(0), counts.of(1))->p;
}

Json optional_json(const std::optional<double>& value) {
  return value ? number_or_null(*value) : Json(nullptr);
}

std::vector<std::string> only_in(const Batch& one, const Batch& other) {
  std::vector<std::string> names;
  for (const auto& field : one.schema().fields()) {
    if (!other.schema().find(field.name)) names.push_back(field.name);
  }
  return names;
}

}  // namespace

std::string_view name_of(DriftType type) {
  switch (type) {
    case DriftType::Number: return "num";
    case DriftType::Category: return "cat";
    case DriftType::Time: return "time";
    case DriftType::Mixed: return "mixed";
  }
  return "";
}

ColumnDrift column_drift(const std::string& name, const Column& reference, const Column& current) {
  ColumnDrift drift;
  drift.name = name;
  drift.type = drift_type(reference.type());
  drift.missing_reference = missing_share(reference);
  drift.missing_current = missing_share(current);
  const bool mixed = drift.type != drift_type(current.type()) ||
                     (drift.type == DriftType::Category && reference.type() != current.type());
  if (mixed) {
    drift.type = DriftType::Mixed;
    drift.note = std::string(columns::name_of(reference.type())) + " in the reference, " +
                 std::string(columns::name_of(current.type())) + " now";
    // A column that is empty in one of the tables has no type of its own there.
    const bool empty =
        reference.missing_count() == reference.size() || current.missing_count() == current.size();
    if (!empty) drift.drifted = true;
    return drift;
  }
  if (drift.type == DriftType::Number) compare_numbers(reference, current, drift);
  if (drift.type == DriftType::Category) compare_categories(reference, current, drift);
  if (drift.type == DriftType::Time) drift.note = "times are not compared";
  if (drift.psi) drift.drifted = *drift.psi >= kDriftedPsi;
  return drift;
}

Result<DriftReport> drift(const Batch& reference, const Batch& current,
                          std::span<const std::string> names, const DriftOptions& options) {
  DriftReport report;
  std::vector<std::string> chosen(names.begin(), names.end());
  if (chosen.empty()) {
    for (const auto& field : reference.schema().fields()) {
      if (current.schema().find(field.name)) chosen.push_back(field.name);
    }
    report.only_in_reference = only_in(reference, current);
    report.only_in_current = only_in(current, reference);
  }
  std::vector<std::pair<const Column*, const Column*>> pairs;
  for (const std::string& name : chosen) {
    auto before = reference.column(name);
    if (!before.has_value())
      return fail(std::move(before).error().with_context("looking in the reference"));
    auto now = current.column(name);
    if (!now.has_value())
      return fail(std::move(now).error().with_context("looking in the current table"));
    pairs.emplace_back(*before, *now);
  }
  report.columns.resize(chosen.size());
  // Each task writes its own place, so that the order of work does not matter.
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < chosen.size(); i = next++)
      report.columns[i] = column_drift(chosen[i], *pairs[i].first, *pairs[i].second);
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < options.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  std::size_t known = 0;
  std::size_t drifted = 0;
  for (const ColumnDrift& one : report.columns) {
    known += one.drifted.has_value() ? 1 : 0;
    drifted += one.drifted.value_or(false) ? 1 : 0;
  }
  report.share_drifted =
      known > 0 ? static_cast<double>(drifted) / static_cast<double>(known) : 0.0;
  return report;
}

Json to_json(const DriftReport& report) {
  Json json{{"columns", Json::array()}};
  for (const ColumnDrift& column : report.columns) {
    Json one{{"name", column.name},
             {"type", name_of(column.type)},
             {"psi", optional_json(column.psi)},
             {"ks", optional_json(column.ks)},
             {"ks_p", optional_json(column.ks_p)},
             {"js", optional_json(column.js)},
             {"wasserstein", optional_json(column.wasserstein)},
             {"chi2_p", optional_json(column.chi2_p)},
             {"drifted", column.drifted ? Json(*column.drifted) : Json(nullptr)},
             {"bins", column.bins},
             {"missing_reference", column.missing_reference},
             {"missing_current", column.missing_current}};
    if (!column.note.empty()) one["note"] = column.note;
    json["columns"].push_back(std::move(one));
  }
  json["share_drifted"] = report.share_drifted;
  if (!report.only_in_reference.empty()) json["only_in_reference"] = report.only_in_reference;
  if (!report.only_in_current.empty()) json["only_in_current"] = report.only_in_current;
  return json;
}

}  // namespace martlet::evaluation
