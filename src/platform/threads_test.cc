#include "platform/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace martlet::platform {
namespace {

TEST(ThreadPool, runs_what_was_queued_before_it_stops) {
  std::atomic<int> done{0};
  ThreadPool pool({.threads = 2});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.submit([&] { ++done; }).has_value());
  pool.stop();
  EXPECT_EQ(done, 100);
  EXPECT_EQ(pool.submit([] {}).error().code(), ErrorCode::Unavailable);
  pool.stop();  // again is fine
}

TEST(ThreadPool, refuses_when_its_queue_is_full) {
  ThreadPool pool({.threads = 1, .queue_limit = 2});
  std::latch running(1);
  std::latch release(1);
  ASSERT_TRUE(pool.submit([&] {
                    running.count_down();
                    release.wait();
                  })
                  .has_value());
  running.wait();
  ASSERT_TRUE(pool.submit([] {}).has_value());
  ASSERT_TRUE(pool.submit([] {}).has_value());
  EXPECT_EQ(pool.queued(), 2u);
  EXPECT_EQ(pool.submit([] {}).error().code(), ErrorCode::ResourceExhausted);
  release.count_down();
}

TEST(ThreadPool, survives_a_task_that_throws) {
  std::atomic<bool> later{false};
  ThreadPool pool({.threads = 1});
  ASSERT_TRUE(pool.submit([] { throw std::runtime_error("planned"); }).has_value());
  ASSERT_TRUE(pool.submit([&] { later = true; }).has_value());
  pool.stop();
  EXPECT_TRUE(later);
}

TEST(ParallelFor, visits_every_index_once_in_chunks_that_do_not_depend_on_threads) {
  for (const int threads : {1, 3}) {
    ThreadPool pool({.threads = threads});
    std::vector<int> visits(1003, 0);
    std::mutex mutex;
    std::set<std::pair<std::size_t, std::size_t>> chunks;
    pool.parallel_for(visits.size(), 100, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) ++visits[i];
      const std::lock_guard lock(mutex);
      chunks.emplace(begin, end);
    });
    EXPECT_EQ(visits, std::vector<int>(1003, 1));
    EXPECT_EQ(chunks.size(), 11u);
    EXPECT_TRUE(chunks.contains({1000, 1003}));
  }
}

TEST(ParallelFor, of_nothing_does_nothing) {
  ThreadPool pool({.threads = 1});
  pool.parallel_for(0, 10, [](std::size_t, std::size_t) { FAIL(); });
}

TEST(ParallelFor, may_be_nested_in_tasks_of_the_same_pool) {
  ThreadPool pool({.threads = 2});
  std::atomic<int> sum{0};
  pool.parallel_for(8, 1, [&](std::size_t, std::size_t) {
    pool.parallel_for(8, 1, [&](std::size_t, std::size_t) { ++sum; });
  });
  EXPECT_EQ(sum, 64);
}

TEST(ParallelFor, returns_the_failure_of_the_lowest_chunk) {
  ThreadPool pool({.threads = 3});
  for (int round = 0; round < 50; ++round) {
    const auto result = pool.try_parallel_for(
        100, 1, CancelToken(), [](std::size_t begin, std::size_t) -> Result<void> {
          if (begin == 7 || begin == 8 || begin == 9)
            return invalid_argument("chunk " + std::to_string(begin));
          return {};
        });
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().message(), "chunk 7");
  }
}

TEST(ParallelFor, stops_when_cancelled_but_not_when_it_was_already_done) {
  ThreadPool pool({.threads = 2});
  CancelToken cancel;
  std::atomic<int> begun{0};
  const auto stopped =
      pool.try_parallel_for(1000, 1, cancel, [&](std::size_t, std::size_t) -> Result<void> {
        ++begun;
        cancel.cancel();
        return {};
      });
  EXPECT_EQ(stopped.error().code(), ErrorCode::Cancelled);
  EXPECT_LT(begun, 10);
  CancelToken late;
  const auto whole =
      pool.try_parallel_for(1, 1, late, [&](std::size_t, std::size_t) -> Result<void> {
        late.cancel();
        return {};
      });
  EXPECT_TRUE(whole.has_value());
}

TEST(HardwareThreads, is_at_least_one) { EXPECT_GE(hardware_threads(), 1); }

}  // namespace
}  // namespace martlet::platform
