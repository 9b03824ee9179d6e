#include "net/telemetry.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

namespace martlet::net {
namespace {

using std::chrono::microseconds;

TEST(Telemetry, prints_the_text_format) {
  Telemetry telemetry;
  telemetry.counter("martlet_requests_total", "Requests.", {{"route", "a\"b\\c\nd"}}).add(3);
  telemetry.gauge("martlet_depth", "Queue\ndepth.").set(1.5);
  telemetry.gauge_from("martlet_read", "Read.",
                       [] { return std::numeric_limits<double>::infinity(); });
  Histogram& histogram = telemetry.histogram("martlet_wait_seconds", "Waits.", {{"q", "x"}});
  histogram.record(microseconds(90));
  histogram.record(microseconds(3'000'000));
  const std::string text = telemetry.exposition();
  EXPECT_NE(
      text.find(
          "# HELP martlet_depth Queue\\ndepth.\n# TYPE martlet_depth gauge\nmartlet_depth 1.5\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("martlet_requests_total{route=\"a\\\"b\\\\c\\nd\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("martlet_read +Inf\n"), std::string::npos);
  EXPECT_NE(text.find("# TYPE martlet_wait_seconds histogram\n"
                      "martlet_wait_seconds_bucket{q=\"x\",le=\"0.0001\"} 1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("martlet_wait_seconds_bucket{q=\"x\",le=\"2.5\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("martlet_wait_seconds_bucket{q=\"x\",le=\"5\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("martlet_wait_seconds_bucket{q=\"x\",le=\"+Inf\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("martlet_wait_seconds_sum{q=\"x\"} 3.00009\n"), std::string::npos);
  EXPECT_NE(text.find("martlet_wait_seconds_count{q=\"x\"} 2\n"), std::string::npos);
}

TEST(Telemetry, the_same_name_and_labels_are_the_same_instrument) {
  Telemetry telemetry;
  Counter& one = telemetry.counter("a_total", "A.", {{"x", "1"}});
  EXPECT_EQ(&telemetry.counter("a_total", "A.", {{"x", "1"}}), &one);
  EXPECT_NE(&telemetry.counter("a_total", "A.", {{"x", "2"}}), &one);
}

TEST(Histogram, quantiles_are_at_most_a_bucket_off) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5).count(), 0);
  for (int i = 1; i <= 100'000; ++i) histogram.record(microseconds(i));
  for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const double exact = q * 100'000;
    const auto estimate = static_cast<double>(histogram.quantile(q).count());
    EXPECT_GE(estimate, exact) << q;
    EXPECT_LE(estimate, exact * 1.032 + 1) << q;
  }
  EXPECT_EQ(histogram.count(), 100'000u);
  EXPECT_NEAR(histogram.sum_seconds(), 5000.05, 1e-6);
}

TEST(Histogram, small_values_are_exact_and_absurd_ones_do_no_harm) {
  Histogram histogram;
  for (int i = 0; i < 32; ++i) histogram.record(microseconds(i));
  EXPECT_EQ(histogram.quantile(0.5).count(), 15);
  EXPECT_EQ(histogram.count_up_to(microseconds(9)), 10u);
  histogram.record(microseconds(-5));
  histogram.record(microseconds(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(histogram.count(), 34u);
  EXPECT_GT(histogram.quantile(1.0), std::chrono::hours(19));
}

TEST(Telemetry, counting_from_many_threads_loses_nothing) {
  Telemetry telemetry;
  Counter& counter = telemetry.counter("c_total", "C.");
  Gauge& gauge = telemetry.gauge("g", "G.");
  Histogram& histogram = telemetry.histogram("h_seconds", "H.");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        counter.add();
        gauge.add(1);
        histogram.record(microseconds(i));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 20'000u);
  EXPECT_EQ(gauge.value(), 20'000.0);
  EXPECT_EQ(histogram.count(), 20'000u);
}

}  // namespace
}  // namespace martlet::net
