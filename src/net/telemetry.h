// net/telemetry.h: process counters for operators, in the Prometheus text format. Never called
// metrics: that word belongs to models.
//
// One Telemetry per process, made in main, outlives its users. Instruments are found or made under
// a lock, once, and kept by reference; counting itself is a relaxed atomic addition.
#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::net {

class Counter {
 public:
  void add(std::uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double amount);
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Durations in buckets whose width grows with the value (as HdrHistogram's do): 32 per power of
// two, so a quantile is at most 3.2 % off; exact below 32 µs; from 1 µs to 19 hours, beyond which
// it counts as that. 8.5 KiB each.
class Histogram {
 public:
  void record(std::chrono::microseconds duration);
  std::uint64_t count() const;
  double sum_seconds() const;
  // The upper end of the bucket that holds the q-th of all values, q in [0, 1]; zero when there are
  // none.
  std::chrono::microseconds quantile(double q) const;
  // How many were at most `bound` (rounded down to a bucket's end).
  std::uint64_t count_up_to(std::chrono::microseconds bound) const;

 private:
  static constexpr int kSubBits = 5;
  static constexpr int kOctaves = 32;
  static constexpr std::size_t kBuckets = std::size_t{kOctaves + 1} << kSubBits;
  static std::size_t bucket_of(std::uint64_t micros);
  static std::uint64_t last_of(std::size_t bucket);
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
  std::atomic<std::uint64_t> sum_micros_{0};
};

using Labels = std::vector<std::pair<std::string, std::string>>;

class Telemetry {
 public:
  Telemetry();
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  // The instrument of that name and those labels, made when first asked for. Names are
  // [a-z_:][a-z0-9_:]*; one name is of one kind and has one help text (both checked: a slip is the
  // program's own). Counters end in _total, histograms in _seconds.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {});
  // Read when asked: for what somebody else counts already. Must not block.
  void gauge_from(std::string_view name, std::string_view help, std::function<double()> read,
                  const Labels& labels = {});
  void counter_from(std::string_view name, std::string_view help, std::function<double()> read,
                    const Labels& labels = {});

  // Text format 0.0.4, sorted by name; content type kContentType. Histograms show bounds from 100
  // µs to 60 s.
  std::string exposition() const;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace martlet::net
