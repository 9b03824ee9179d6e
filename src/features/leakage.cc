#include "features/leakage.h"

#include "base/text.h"
#include "features/internal/categories.h"
#include "features/internal/folds.h"
#include "features/internal/statistics.h"
#include "features/internal/target_encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace martlet::features {
namespace {

using columns::Column;
using columns::Type;

constexpr std::size_t kMaxRows = 200'000;
constexpr std::size_t kMinUnknown = 20;
constexpr std::size_t kBins = 50;
constexpr double kMinAfter = 0.05;
constexpr double kMinutesPerDay = 1440;

// Mean ranks (ties share theirs), from 1. NaN must have been replaced.
std::vector<double> ranks_of(const std::vector<double>& values) {
  std::vector<std::uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i)
      ranks[order[i]] = static_cast<double>(begin + end + 1) / 2;
    begin = end;
  }
  return ranks;
}

// From ranks by the statistic of Mann and Whitney; 0.5 when a side is empty.
double auc_of(const std::vector<double>& ranks, const std::vector<double>& target,
              double positive) {
  double rank_sum = 0;
  double positives = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (target[i] == positive) {
      rank_sum += ranks[i];
      ++positives;
    }
  }
  const double negatives = static_cast<double>(ranks.size()) - positives;
  if (positives == 0 || negatives == 0) return 0.5;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const Spread spread_a = spread_of(a);
  const Spread spread_b = spread_of(b);
  if (spread_a.deviation == 0 || spread_b.deviation == 0) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - spread_a.mean) * (b[i] - spread_b.mean);
  return sum / static_cast<double>(a.size()) / spread_a.deviation / spread_b.deviation;
}

enum class Direction { Either, Rising };

// How well an order of the rows tells the target.
class Judge {
 public:
  Judge(Task task, std::vector<double> target) : task_(task), target_(std::move(target)) {
    if (task_ == Task::Regression) target_ranks_ = ranks_of(target_);
    classes_ = std::set<double>(target_.begin(), target_.end());
  }

  const std::vector<double>& target() const { return target_; }
  int outputs() const {
    return task_ == Task::Multiclass ? static_cast<int>(*classes_.rbegin()) + 1 : 1;
  }
  double limit() const { return task_ == Task::Regression ? kPowerLimitRegression : kPowerLimit; }
  double gap_limit() const { return task_ == Task::Regression ? kGapLimitRegression : kGapLimit; }
  std::string figure_text(double figure) const {
    return fmt::format("{} {:.2f}", task_ == Task::Regression ? "rank correlation" : "AUC", figure);
  }

  double power(const std::vector<double>& values, Direction direction) const {
    const std::vector<double> ranks = ranks_of(values);
    const auto either = [direction](double auc) {
      return direction == Direction::Either ? std::max(auc, 1 - auc) : auc;
    };
    if (task_ == Task::Regression) {
      const double rho = correlation(ranks, target_ranks_);
      return direction == Direction::Either ? std::abs(rho) : std::max(rho, 0.0);
    }
    if (task_ == Task::Binary) return either(auc_of(ranks, target_, 1));
    double sum = 0;
    for (const double label : classes_) {
      const auto count = std::count(target_.begin(), target_.end(), label);
      sum += either(auc_of(ranks, target_, label)) * static_cast<double>(count);
    }
    return sum / static_cast<double>(target_.size());
  }

  // Of codes, by their out-of-fold mean target.
  double power_of_codes(const std::vector<int>& codes, std::size_t categories) const {
    const auto folds = folds_by_seed(codes.size(), 0);
    const int outputs_count = outputs();
    const TargetEncoding encoding = encode_target(codes, categories, target_, folds, outputs_count);
    const auto width = static_cast<std::size_t>(outputs_count);
    if (width == 1) return power(encoding.out_of_fold, Direction::Rising);
    double sum = 0;
    for (const double label : classes_) {
      std::vector<double> scores(codes.size());
      for (std::size_t i = 0; i < scores.size(); ++i)
        scores[i] = encoding.out_of_fold[i * width + static_cast<std::size_t>(label)];
      const auto count = std::count(target_.begin(), target_.end(), label);
      sum += auc_of(ranks_of(scores), target_, label) * static_cast<double>(count);
    }
    return sum / static_cast<double>(target_.size());
  }

 private:
  Task task_;
  std::vector<double> target_;
  std::vector<double> target_ranks_;
  std::set<double> classes_;
};

double power_of_categories(const Column& column, const Judge& judge) {
  Categories categories(column.type());
  std::vector<int> codes(column.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto cell = column.cell(i);
    if (!is_missing_category(cell)) categories.add(cell);
    codes[i] = categories.find(cell);
  }
  return judge.power_of_codes(codes, categories.size());
}

double binned_power(const std::vector<double>& values, const Judge& judge) {
  auto sorted = finite_of(values);
  if (sorted.empty()) return 0;
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> edges;
  for (std::size_t i = 1; i < kBins; ++i)
    edges.push_back(quantile_of_sorted(sorted, static_cast<double>(i) / kBins));
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  std::vector<int> codes(values.size());
  for (std::size_t i = 0; i < codes.size(); ++i)
    codes[i] = std::isnan(values[i])
                   ? kMissing
                   : static_cast<int>(std::lower_bound(edges.begin(), edges.end(), values[i]) -
                                      edges.begin());
  return judge.power_of_codes(codes, edges.size() + 1);
}

double power_of_numbers(std::vector<double> values, const Judge& judge) {
  const double binned = binned_power(values, judge);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) missing.push_back(i);
  }
  double figure = 0;
  for (const double stand_in : {-kInfinity, kInfinity}) {
    for (const std::size_t i : missing) values[i] = stand_in;
    figure = std::max(figure, judge.power(values, Direction::Either));
    if (missing.empty()) break;
  }
  return binned >= judge.limit() ? std::max(figure, binned) : figure;
}

double power_of(const Column& column, const Judge& judge) {
  if (column.type() == Type::Text || column.type() == Type::Bool)
    return power_of_categories(column, judge);
  return power_of_numbers(column.as_doubles(), judge);
}

// Minutes of the day if the column reads as HHMM, else nothing.
std::optional<std::vector<double>> minutes_of_hhmm(const Column& column) {
  if (!columns::is_numeric(column.type())) return std::nullopt;
  std::vector<double> values = column.as_doubles();
  std::set<int> hours;
  for (double& value : values) {
    if (std::isnan(value)) continue;
    if (value != std::floor(value) || value < 0 || value > 2400 || std::fmod(value, 100) >= 60)
      return std::nullopt;
    const int hour = static_cast<int>(value / 100);
    hours.insert(hour);
    value = hour * 60 + std::fmod(value, 100);
  }
  constexpr std::size_t kMinHours = 12;
  if (hours.size() < kMinHours) return std::nullopt;
  return values;
}

double micros_or_nan(const Column& column, std::size_t row, const Zone& zone) {
  if (column.is_missing(row)) return std::numeric_limits<double>::quiet_NaN();
  const std::int64_t value = column.int64s()[row];
  if (column.type() == Type::Timestamp) return static_cast<double>(value);
  constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / kMicrosPerDay - 1;
  return static_cast<double>(
      zone.instant_of_local_micros(std::clamp(value, -kLimit, kLimit) * kMicrosPerDay).micros);
}

class Finder {
 public:
  explicit Finder(const LeakageRequest& request)
      : request_(request), judge_(request.task, known_targets()) {
    const Column* time = request.rows.find(request.time);
    const bool usable =
        time != nullptr && (time->type() == Type::Timestamp || time->type() == Type::Date);
    reference_ = usable ? *time : request.decided_at;
  }

  LeakageReport run() {
    for (std::size_t i = 0; i < request_.rows.width(); ++i) {
      const std::string& name = request_.rows.schema()[i].name;
      if (std::find(request_.ignore.begin(), request_.ignore.end(), name) != request_.ignore.end())
        continue;
      judge_power(name, request_.rows.column(i));
      judge_availability(name, request_.rows.column(i));
    }
    return std::move(report_);
  }

 private:
  bool knows_times() const { return request_.decided_at.size() == request_.rows.rows(); }

  std::vector<double> known_targets() {
    for (std::uint32_t i = 0; i < request_.target.size(); ++i) {
      if (!std::isnan(request_.target[i])) known_.push_back(i);
    }
    if (known_.size() > kMaxRows) {
      std::vector<std::uint32_t> sample;
      for (std::size_t i = 0; i < kMaxRows; ++i)
        sample.push_back(known_[i * known_.size() / kMaxRows]);
      known_ = std::move(sample);
    }
    std::vector<double> target;
    for (const std::uint32_t row : known_) target.push_back(request_.target[row]);
    return target;
  }

  void judge_power(const std::string& name, const Column& column) {
    const double figure = power_of(column.take(known_), judge_);
    report_.powers.push_back({name, figure});
    if (figure >= judge_.limit())
      report_.leaks.push_back(
          {name, LeakKind::Power, figure,
           name + " alone predicts the target (" + judge_.figure_text(figure) +
               "); is it the target in other words, or recorded after it? Drop it unless it is "
               "truly known when the decision is made"});
  }

  void judge_availability(const std::string& name, const Column& column) {
    if (const auto declared = request_.known_at.find(name); declared != request_.known_at.end()) {
      judge_declared(name, declared->second);
      return;
    }
    if (judge_presence(name, column) || !knows_times()) return;
    if (column.type() == Type::Timestamp || column.type() == Type::Date) {
      judge_times(name, column);
    } else if (const auto minutes = minutes_of_hhmm(column)) {
      judge_minutes(name, *minutes);
    }
  }

  void judge_declared(const std::string& name, const std::string& known_at) {
    const Column* known = request_.rows.find(known_at);
    if (known == nullptr || !knows_times() ||
        (known->type() != Type::Timestamp && known->type() != Type::Date))
      return;
    std::size_t judged = 0;
    std::size_t late = 0;
    for (std::size_t row = 0; row < request_.rows.rows(); ++row) {
      if (request_.decided_at.is_missing(row) || known->is_missing(row)) continue;
      ++judged;
      late += micros_or_nan(*known, row, request_.zone) >
              static_cast<double>(request_.decided_at.int64s()[row]);
    }
    constexpr double kMostLate = 0.001;
    const double share = judged == 0 ? 0 : static_cast<double>(late) / static_cast<double>(judged);
    if (share > kMostLate)
      report_.leaks.push_back(
          {name, LeakKind::Availability, share,
           fmt::format("{} became known (by {}) after decided_at in {:.1f} % of the rows", name,
                       known_at, 100 * share)});
  }

  bool judge_presence(const std::string& name, const Column& column) {
    std::size_t unknown = 0;
    std::size_t unknown_present = 0;
    std::size_t known_present = 0;
    for (std::size_t row = 0; row < request_.target.size(); ++row) {
      const bool present = !is_missing_category(column.cell(row));
      if (std::isnan(request_.target[row])) {
        ++unknown;
        unknown_present += present;
      } else {
        known_present += present;
      }
    }
    const auto known = static_cast<double>(request_.target.size() - unknown);
    const double share_known = static_cast<double>(known_present) / known;
    if (unknown < kMinUnknown || share_known < 0.5 ||
        static_cast<double>(unknown_present) > 0.01 * static_cast<double>(unknown))
      return false;
    report_.leaks.push_back(
        {name, LeakKind::Availability, share_known,
         fmt::format("{} is there only where the target is: in {:.1f} % of the rows with a target "
                     "and {:.1f} % of the {} rows without one; so it isn't known when the decision "
                     "is made",
                     name, 100 * share_known,
                     100 * static_cast<double>(unknown_present) / static_cast<double>(unknown),
                     unknown)});
    return true;
  }

  void judge_times(const std::string& name, const Column& column) {
    std::vector<double> gaps(known_.size());
    std::vector<double> leads(known_.size());
    for (std::size_t i = 0; i < known_.size(); ++i) {
      const double value = micros_or_nan(column, known_[i], request_.zone);
      gaps[i] = value - micros_or_nan(reference_, known_[i], request_.zone);
      leads[i] = value - micros_or_nan(request_.decided_at, known_[i], request_.zone);
    }
    judge_gaps(name, gaps, leads);
  }

  void judge_minutes(const std::string& name, const std::vector<double>& minutes) {
    std::vector<double> gaps(known_.size(), std::numeric_limits<double>::quiet_NaN());
    std::vector<double> leads = gaps;
    for (std::size_t i = 0; i < known_.size(); ++i) {
      const std::uint32_t row = known_[i];
      if (reference_.is_missing(row) || request_.decided_at.is_missing(row) ||
          reference_.type() != Type::Timestamp)
        continue;
      const Timestamp event{reference_.int64s()[row]};
      const CivilTime local = request_.zone.local(event);
      const double event_minute = local.hour * 60 + local.minute;
      const double gap = minutes[row] - event_minute;
      gaps[i] = gap - kMinutesPerDay * std::floor((gap + kMinutesPerDay / 2) / kMinutesPerDay);
      const auto notice = event - Timestamp{request_.decided_at.int64s()[row]};
      leads[i] = gaps[i] + static_cast<double>(notice.count()) / (60.0 * kMicrosPerSecond);
    }
    judge_gaps(name, gaps, leads);
  }

  void judge_gaps(const std::string& name, const std::vector<double>& gaps,
                  const std::vector<double>& leads) {
    std::vector<double> present;
    std::vector<double> target;
    std::size_t after = 0;
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      if (std::isnan(gaps[i]) || std::isnan(leads[i])) continue;
      present.push_back(gaps[i]);
      target.push_back(judge_.target()[i]);
      after += leads[i] > 0;
    }
    if (present.empty()) return;
    const double share = static_cast<double>(after) / static_cast<double>(present.size());
    const double figure = Judge(request_.task, std::move(target)).power(present, Direction::Either);
    if (share < kMinAfter || figure < judge_.gap_limit()) return;
    report_.leaks.push_back(
        {name, LeakKind::Availability, share,
         fmt::format("{} lies after decided_at in {:.1f} % of the rows, and its distance from the "
                     "event time tells the target ({}); if it is a plan that was known before, "
                     "declare since when: features.columns.{}.known_at",
                     name, 100 * share, judge_.figure_text(figure), name)});
  }

  const LeakageRequest& request_;
  std::vector<std::uint32_t> known_;  // rows with a target, at most kMaxRows
  Judge judge_;
  Column reference_;
  LeakageReport report_;
};

}  // namespace

std::string_view name_of(LeakKind kind) {
  return kind == LeakKind::Power ? "power" : "availability";
}

Result<LeakageReport> find_leakage(const LeakageRequest& request) {
  const std::size_t rows = request.rows.rows();
  if (request.target.size() != rows ||
      (request.decided_at.size() != 0 &&
       (request.decided_at.size() != rows || request.decided_at.type() != Type::Timestamp)))
    return invalid_argument("looking for leakage: target and decided_at must have one value a row");
  const bool any = std::any_of(request.target.begin(), request.target.end(),
                               [](double y) { return std::isfinite(y); });
  if (!any) return invalid_argument("looking for leakage: no row has a target");
  for (const double y : request.target) {
    const bool is_class = request.task != Task::Regression && !std::isnan(y);
    if (std::isinf(y) || (is_class && (y < 0 || y > 65535 || y != std::floor(y))))
      return invalid_argument("looking for leakage: " + shortest(y) +
                              " is no target for the task " + std::string(name_of(request.task)));
  }
  return Finder(request).run();
}

}  // namespace martlet::features
