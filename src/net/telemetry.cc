#include "net/telemetry.h"

#include "base/json.h"
#include "base/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <mutex>
#include <variant>

namespace martlet::net {
namespace {

constexpr std::array<std::int64_t, 18> kBoundsMicros = {
    100,     250,     500,     1'000,     2'500,     5'000,     10'000,     25'000,     50'000,
    100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};

bool is_good_name(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
         });
}

std::string escaped(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
  return out;
}

// "a=\"1\",b=\"2\"" without braces.
std::string text_of(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value, true));
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return shortest(value);
}

using Read = std::function<double()>;
using Instrument = std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>,
                                std::unique_ptr<Histogram>, Read>;

struct Family {
  std::string help;
  std::string_view type;
  std::map<std::string, Instrument> instruments;  // by their labels' text
};

void append_sample(std::string& out, std::string_view name, std::string_view labels,
                   std::string_view value) {
  if (labels.empty())
    out += fmt::format("{} {}\n", name, value);
  else
    out += fmt::format("{}{{{}}} {}\n", name, labels, value);
}

void append_histogram(std::string& out, std::string_view name, const std::string& labels,
                      const Histogram& histogram) {
  const std::string comma = labels.empty() ? "" : ",";
  // Counted once, so that the last bucket is never below one before it while others go on counting.
  std::uint64_t reached = 0;
  for (const std::int64_t bound : kBoundsMicros) {
    reached = std::max(reached, histogram.count_up_to(std::chrono::microseconds(bound)));
    append_sample(
        out, fmt::format("{}_bucket", name),
        fmt::format("{}{}le=\"{}\"", labels, comma, shortest(static_cast<double>(bound) / 1e6)),
        std::to_string(reached));
  }
  const std::uint64_t count = std::max(reached, histogram.count());
  append_sample(out, fmt::format("{}_bucket", name), labels + comma + "le=\"+Inf\"",
                std::to_string(count));
  append_sample(out, fmt::format("{}_sum", name), labels, number(histogram.sum_seconds()));
  append_sample(out, fmt::format("{}_count", name), labels, std::to_string(count));
}

}  // namespace

void Gauge::add(double amount) {
  double before = value_.load(std::memory_order_relaxed);
  while (!value_.compare_exchange_weak(before, before + amount, std::memory_order_relaxed)) {}
}

std::size_t Histogram::bucket_of(std::uint64_t micros) {
  constexpr std::uint64_t kSub = std::uint64_t{1} << kSubBits;
  if (micros < kSub) return static_cast<std::size_t>(micros);
  const int octave = static_cast<int>(std::bit_width(micros)) - 1 - kSubBits;  // 0 for [32, 64)
  const std::uint64_t within = (micros >> octave) - kSub;
  const auto bucket =
      static_cast<std::size_t>((static_cast<std::uint64_t>(octave) + 1) * kSub + within);
  return std::min(bucket, kBuckets - 1);
}

std::uint64_t Histogram::last_of(std::size_t bucket) {
  constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  if (bucket < kSub) return bucket;
  const std::size_t octave = bucket / kSub - 1;
  const std::uint64_t first = (kSub + bucket % kSub) << octave;
  return first + (std::uint64_t{1} << octave) - 1;
}

void Histogram::record(std::chrono::microseconds duration) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  buckets_[bucket_of(micros)].fetch_add(1, std::memory_order_relaxed);
  sum_micros_.fetch_add(micros, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  std::uint64_t total = 0;
  for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
  return total;
}

double Histogram::sum_seconds() const {
  return static_cast<double>(sum_micros_.load(std::memory_order_relaxed)) / 1e6;
}

std::chrono::microseconds Histogram::quantile(double q) const {
  const std::uint64_t total = count();
  const auto rank = static_cast<std::uint64_t>(
      std::max(1.0, std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(total))));
  std::uint64_t reached = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    reached += buckets_[i].load(std::memory_order_relaxed);
    if (reached >= rank) return std::chrono::microseconds(static_cast<std::int64_t>(last_of(i)));
  }
  return std::chrono::microseconds(0);
}

std::uint64_t Histogram::count_up_to(std::chrono::microseconds bound) const {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(bound.count(), 0));
  std::uint64_t reached = 0;
  for (std::size_t i = 0; i < kBuckets && last_of(i) <= micros; ++i)
    reached += buckets_[i].load(std::memory_order_relaxed);
  return reached;
}

struct Telemetry::State {
  mutable std::mutex families_mutex;
  std::map<std::string, Family, std::less<>> families;

  // Under the lock.
  Instrument& find(std::string_view name, std::string_view help, std::string_view type,
                   const Labels& labels, const std::function<Instrument()>& make) {
    MARTLET_CHECK(is_good_name(name), "the name of an instrument is [a-z_:][a-z0-9_:]*");
    for (const auto& [label, value] : labels)
      MARTLET_CHECK(is_good_name(label) && label != "le",
                    "a label's name is [a-z_][a-z0-9_]*, not le");
    auto [at, fresh] = families.try_emplace(std::string(name));
    if (fresh) {
      at->second.help = help;
      at->second.type = type;
    }
    MARTLET_CHECK(at->second.type == type && at->second.help == help,
                  "one name is one kind of instrument with one help text");
    const std::string key = text_of(labels);
    const auto known = at->second.instruments.find(key);
    if (known != at->second.instruments.end()) return known->second;
    return at->second.instruments.emplace(key, make()).first->second;
  }
};

Telemetry::Telemetry() : state_(std::make_unique<State>()) {}
Telemetry::~Telemetry() = default;

Counter& Telemetry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(state_->families_mutex);
  return *std::get<std::unique_ptr<Counter>>(
      state_->find(name, help, "counter", labels, [] { return std::make_unique<Counter>(); }));
}

Gauge& Telemetry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(state_->families_mutex);
  return *std::get<std::unique_ptr<Gauge>>(
      state_->find(name, help, "gauge", labels, [] { return std::make_unique<Gauge>(); }));
}

Histogram& Telemetry::histogram(std::string_view name, std::string_view help,
                                const Labels& labels) {
  const std::lock_guard lock(state_->families_mutex);
  return *std::get<std::unique_ptr<Histogram>>(
      state_->find(name, help, "histogram", labels, [] { return std::make_unique<Histogram>(); }));
}

void Telemetry::gauge_from(std::string_view name, std::string_view help, Read read,
                           const Labels& labels) {
  const std::lock_guard lock(state_->families_mutex);
  state_->find(name, help, "gauge", labels, [&] { return std::move(read); });
}

void Telemetry::counter_from(std::string_view name, std::string_view help, Read read,
                             const Labels& labels) {
  const std::lock_guard lock(state_->families_mutex);
  state_->find(name, help, "counter", labels, [&] { return std::move(read); });
}

std::string Telemetry::exposition() const {
  const std::lock_guard lock(state_->families_mutex);
  std::string out;
  for (const auto& [name, family] : state_->families) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(family.help, false), name,
                       family.type);
    for (const auto& [labels, instrument] : family.instruments) {
      if (const auto* counter = std::get_if<std::unique_ptr<Counter>>(&instrument))
        append_sample(out, name, labels, std::to_string((*counter)->value()));
      else if (const auto* gauge = std::get_if<std::unique_ptr<Gauge>>(&instrument))
        append_sample(out, name, labels, number((*gauge)->value()));
      else if (const auto* histogram = std::get_if<std::unique_ptr<Histogram>>(&instrument))
        append_histogram(out, name, labels, **histogram);
      else
        append_sample(out, name, labels, number(std::get<Read>(instrument)()));
    }
  }
  return out;
}

}  // namespace martlet::net
