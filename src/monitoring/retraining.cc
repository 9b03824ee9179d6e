#include "monitoring/retraining.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace martlet::monitoring {

namespace {

constexpr std::chrono::hours kDay{24};

// Refuses when `limit` trainings began within `period` before now.
std::string over_budget(std::optional<std::int64_t> limit, Duration period, std::string_view name,
                        std::span<const Timestamp> trainings, Timestamp now) {
  if (!limit.has_value()) return "";
  const auto used = std::count_if(trainings.begin(), trainings.end(),
                                  [&](Timestamp at) { return at > now - period && at <= now; });
  if (used < *limit) return "";
  return fmt::format("budget: {} of {} trainings {} are used", used, *limit, name);
}

}  // namespace

Permission may_retrain(const RetrainPolicy& policy, std::span<const Timestamp> trainings,
                       Timestamp now) {
  if (!trainings.empty()) {
    const Timestamp last = *std::max_element(trainings.begin(), trainings.end());
    if (now < last + policy.cooldown) {
      return {false,
              fmt::format("cooldown: the last training began {} ago, the next may begin at {}",
                          to_text(now - last), to_text(last + policy.cooldown))};
    }
  }
  for (const std::string& refusal :
       {over_budget(policy.per_day, kDay, "per day", trainings, now),
        over_budget(policy.per_week, 7 * kDay, "per week", trainings, now),
        over_budget(policy.per_month, 30 * kDay, "per month", trainings, now)}) {
    if (!refusal.empty()) return {false, refusal};
  }
  return {true, ""};
}

bool is_due(const RetrainPolicy& policy, Timestamp trained_at, Timestamp now) {
  return policy.every.has_value() && now >= trained_at + *policy.every;
}

Result<Comparison> compare(const problem::Kpi& kpi, const problem::Outcomes& champion,
                           const problem::Outcomes& challenger, const metrics::Blocks& blocks,
                           const RetrainPolicy& policy, std::uint64_t seed) {
  MARTLET_CHECK(champion.size() == challenger.size() && champion.size() == blocks.rows(),
                "champion and challenger must answer the same rows");
  Comparison result;
  MARTLET_TRY_SET(result.champion, kpi.estimate(champion));
  MARTLET_TRY_SET(result.challenger, kpi.estimate(challenger));
  MARTLET_TRY_SET(const metrics::Statistic old_statistic, kpi.statistic(champion, blocks));
  MARTLET_TRY_SET(const metrics::Statistic new_statistic, kpi.statistic(challenger, blocks));
  const auto merit_of = [&kpi](const metrics::Statistic& statistic) {
    return metrics::Statistic(
        [&kpi, &statistic](std::span<const double> draws) { return kpi.merit(statistic(draws)); });
  };
  metrics::BootstrapOptions options;
  options.confidence = policy.confidence;
  options.seed = seed;
  result.difference = metrics::bootstrap_difference(
      merit_of(new_statistic), merit_of(old_statistic), blocks.count(), options);

  const double bound = result.difference.lower_bound;
  const double needed =
      policy.promote.kind == PromotionRule::Kind::Significant ? 0 : -policy.promote.margin;
  const std::string figures = fmt::format("{} {:.4g} against {:.4g} on {} rows; the difference is "
                                          "at least {:.3g} with {:.0f} % confidence",
                                          kpi.name(), result.challenger, result.champion,
                                          champion.size(), bound, 100 * policy.confidence);
  if (std::isnan(bound)) {
    result.why = "unknown: the holdout has too few days with truth to compare the models; the "
                 "champion stays";
    return result;
  }
  result.promote = bound > needed;
  result.why = figures + fmt::format("; needed: more than {:.3g}", needed);
  return result;
}

}  // namespace martlet::monitoring
