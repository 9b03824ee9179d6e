#include "data/profile.h"

#include "base/quantity.h"
#include "base/sort_numbers.h"
#include "base/text.h"
#include "data/internal/row_groups.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <thread>

namespace martlet::data {

using columns::Batch;
using columns::Column;
using columns::Type;

namespace {

// Spellings met in public data sets, in lower case. Whether one means "missing" is for a person to
// say.
bool is_suspicious(std::string_view text) {
  static const std::set<std::string, std::less<>> spellings{
      "na",      "n/a",          "n.a.", "#n/a",   "<na>", "nan", "null",    "(null)",
      "<null>",  "none",         "nil",  "?",      "-",    "--",  ".",       "undefined",
      "unknown", "missing",      "\\n",  "#null!", "nat",  "tbd", "no data", "#value!",
      "#ref!",   "not available"};
  constexpr std::size_t kLongest = 13;
  const std::string_view trimmed = trim(text);
  return trimmed.empty() ||
         (trimmed.size() <= kLongest && spellings.contains(lower_ascii(trimmed)));
}

// Source: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen",
// ZAMM 54 (1974). In the order of the rows, so that the sum is the same every time.
class Sum {
 public:
  void add(double value) {
    const double total = total_ + value;
    lost_ +=
        std::fabs(total_) >= std::fabs(value) ? (total_ - total) + value : (value - total) + total_;
    total_ = total;
  }
  double value() const { return std::isfinite(lost_) ? total_ + lost_ : total_; }

 private:
  double total_ = 0;
  double lost_ = 0;
};

// As numpy's method "linear", with its interpolation from the nearer end.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const double below = std::floor(at);
  const auto i = static_cast<std::size_t>(below);
  if (i + 1 >= sorted.size()) return sorted.back();
  const double t = at - below;
  const double gap = sorted[i + 1] - sorted[i];
  return t >= 0.5 ? sorted[i + 1] - gap * (1 - t) : sorted[i] + gap * t;
}

// Moments in the order of the rows; quantiles from the sorted values.
void profile_moments(std::span<const double> values, ColumnProfile& out) {
  Sum sum;
  for (const double v : values) sum.add(v);
  const double mean = sum.value() / static_cast<double>(values.size());
  Sum squares;
  for (const double v : values) squares.add((v - mean) * (v - mean));
  out.mean = mean;
  if (values.size() > 1)
    out.stddev = std::sqrt(squares.value() / static_cast<double>(values.size() - 1));
  out.zeros = std::count(values.begin(), values.end(), 0.0);
}

template <class Number>
std::int64_t count_distinct(const std::vector<Number>& sorted) {
  std::int64_t distinct = 1;
  for (std::size_t i = 1; i < sorted.size(); ++i) distinct += sorted[i] != sorted[i - 1] ? 1 : 0;
  return distinct;
}

void profile_doubles(const Column& column, ColumnProfile& out) {
  std::vector<double> values = column.as_doubles();
  std::erase_if(values, [](double v) { return std::isnan(v); });
  out.nulls = static_cast<std::int64_t>(column.size() - values.size());
  out.zeros = 0;
  if (values.empty()) return;
  profile_moments(values, out);
  sort_numbers(values);
  out.p25 = quantile(values, 0.25);
  out.p50 = quantile(values, 0.5);
  out.p75 = quantile(values, 0.75);
  out.min = number_or_null(values.front());
  out.max = number_or_null(values.back());
  out.distinct = count_distinct(values);
}

std::vector<std::int64_t> present_integers(const Column& column) {
  const std::span<const std::int64_t> all = column.int64s();
  if (column.missing_count() == 0) return {all.begin(), all.end()};
  std::vector<std::int64_t> values;
  values.reserve(column.size() - column.missing_count());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!column.is_missing(i)) values.push_back(all[i]);
  }
  return values;
}

// Large integers are not doubles, so extremes and distinct values are found among the integers
// themselves.
void profile_range(const Column& column, const std::vector<std::int64_t>& sorted,
                   ColumnProfile& out) {
  const auto as_json = [&](std::int64_t value) {
    if (column.type() == Type::Timestamp)
      return columns::to_json(columns::Cell::of_timestamp({value}));
    if (column.type() == Type::Date) return columns::to_json(columns::Cell::of_date(value));
    return Json(value);
  };
  out.min = as_json(sorted.front());
  out.max = as_json(sorted.back());
  out.distinct = count_distinct(sorted);
}

void profile_integers(const Column& column, ColumnProfile& out) {
  std::vector<std::int64_t> values = present_integers(column);
  out.nulls = static_cast<std::int64_t>(column.size() - values.size());
  out.zeros = 0;
  if (values.empty()) return;
  std::vector<double> numbers(values.begin(), values.end());
  profile_moments(numbers, out);
  sort_numbers(values);
  // Rounding to double keeps the order.
  numbers.assign(values.begin(), values.end());
  out.p25 = quantile(numbers, 0.25);
  out.p50 = quantile(numbers, 0.5);
  out.p75 = quantile(numbers, 0.75);
  profile_range(column, values, out);
}

// The most frequent of sorted values: how often it occurs, and all that occur as often.
std::pair<std::int64_t, std::vector<std::int64_t>>
most_frequent(const std::vector<std::int64_t>& sorted) {
  std::int64_t most = 0;
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i + 1;
    while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
    const auto count = static_cast<std::int64_t>(end - i);
    if (count > most) values.clear();
    most = std::max(most, count);
    if (count == most) values.push_back(sorted[i]);
    i = end;
  }
  return {most, std::move(values)};
}

// Times and dates: without moments, but with the most frequent value.
void profile_instants(const Column& column, ColumnProfile& out) {
  std::vector<std::int64_t> values = present_integers(column);
  out.nulls = static_cast<std::int64_t>(column.size() - values.size());
  out.top_count = 0;
  if (values.empty()) return;
  sort_numbers(values);
  profile_range(column, values, out);
  const auto [count, tops] = most_frequent(values);
  out.top_count = count;
  for (std::size_t i = 0; i < column.size(); ++i) {  // the one seen first among equals
    if (column.is_missing(i) || !std::binary_search(tops.begin(), tops.end(), column.int64s()[i]))
      continue;
    out.top = columns::to_json(column.cell(i));
    break;
  }
}

void profile_suspects(const Column& column, const std::vector<ValueGroup>& groups,
                      ColumnProfile& out) {
  bool numbers = true;
  for (const ValueGroup& group : groups) {
    const std::string_view text = column.text(group.first);
    if (trim(text).size() != text.size()) out.padded += group.count;
    if (is_suspicious(text)) {
      out.suspicious_nulls.emplace_back(std::string(text), group.count);
    } else {
      numbers = numbers && parse_number(trim(text)).has_value();
    }
  }
  std::stable_sort(out.suspicious_nulls.begin(), out.suspicious_nulls.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  out.number_without_them =
      numbers && !out.suspicious_nulls.empty() && out.suspicious_nulls.size() < groups.size();
}

void profile_values(const Column& column, ColumnProfile& out) {
  const std::vector<ValueGroup> groups = group_values(column);
  out.nulls = static_cast<std::int64_t>(column.missing_count());
  out.distinct = static_cast<std::int64_t>(groups.size());
  out.top_count = 0;
  const ValueGroup* top = nullptr;
  for (const ValueGroup& group : groups) {
    if (top == nullptr || group.count > top->count) top = &group;
  }
  if (top != nullptr) {
    out.top = columns::to_json(column.cell(top->first));
    out.top_count = top->count;
  }
  if (column.type() == Type::Text) profile_suspects(column, groups, out);
}

template <class T>
Json optional_json(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_same_v<T, double>) {
    return number_or_null(*value);
  } else {
    return *value;
  }
}

}  // namespace

ColumnProfile profile_column(const std::string& name, const Column& column) {
  ColumnProfile out{.name = name, .type = column.type()};
  switch (column.type()) {
    case Type::Double: profile_doubles(column, out); break;
    case Type::Int64: profile_integers(column, out); break;
    case Type::Timestamp:
    case Type::Date: profile_instants(column, out); break;
    case Type::Bool:
    case Type::Text: profile_values(column, out); break;
  }
  return out;
}

Profile profile(const Batch& batch, const ProfileOptions& options) {
  Profile out{.rows = static_cast<std::int64_t>(batch.rows())};
  out.columns.resize(batch.width());
  // Task 0 is the largest: the duplicates; then texts, which take longer than numbers. Each task
  // writes its own place, so that the order of work does not matter.
  std::vector<std::size_t> order(batch.width());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_partition(order.begin(), order.end(),
                        [&](std::size_t i) { return batch.column(i).type() == Type::Text; });
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t task = next++; task <= batch.width(); task = next++) {
      if (task == 0) {
        if (batch.width() > 0)
          out.duplicate_rows = count_repeated_rows(batch.columns(), batch.rows());
      } else {
        const std::size_t i = order[task - 1];
        out.columns[i] = profile_column(batch.schema()[i].name, batch.column(i));
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < options.threads; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  return out;
}

Json to_json(const ColumnProfile& profile) {
  Json suspicious = Json::array();
  for (const auto& [text, count] : profile.suspicious_nulls)
    suspicious.push_back({{"text", text}, {"count", count}});
  return {{"name", profile.name},
          {"type", columns::name_of(profile.type)},
          {"nulls", profile.nulls},
          {"distinct", profile.distinct},
          {"min", profile.min},
          {"max", profile.max},
          {"mean", optional_json(profile.mean)},
          {"stddev", optional_json(profile.stddev)},
          {"p25", optional_json(profile.p25)},
          {"p50", optional_json(profile.p50)},
          {"p75", optional_json(profile.p75)},
          {"zeros", optional_json(profile.zeros)},
          {"top", profile.top},
          {"top_count", optional_json(profile.top_count)},
          {"suspicious_nulls", std::move(suspicious)},
          {"number_without_them", profile.number_without_them},
          {"padded", profile.padded}};
}

Json to_json(const Profile& profile) {
  Json columns = Json::array();
  for (const ColumnProfile& column : profile.columns) columns.push_back(to_json(column));
  return {{"rows", profile.rows},
          {"duplicate_rows", profile.duplicate_rows},
          {"columns", std::move(columns)}};
}

}  // namespace martlet::data
