#include "platform/file_lock.h"
#include "platform/host.h"
#include "platform/mapped_file.h"
#include "platform/real_clock.h"
#include "platform/real_file_system.h"
#include "platform/signals.h"
#include "platform/system_random.h"

#include <gtest/gtest.h>

#include <csignal>
#include <unistd.h>

namespace martlet::platform {
namespace {

TEST(Host, describes_the_machine) {
  const Host host = describe_host();
  EXPECT_GE(host.cores, 1);
  EXPECT_GT(host.memory_bytes, 1u << 20);
  EXPECT_TRUE(host.kernel.starts_with("Linux "));
  EXPECT_TRUE(std::is_sorted(host.cpu_features.begin(), host.cpu_features.end()));
  EXPECT_GT(resident_bytes(), 1u << 20);
  EXPECT_GT(available_memory_bytes(), 0u);
  EXPECT_GE(process_cpu_seconds(), 0.0);
  EXPECT_GE(open_descriptors(), 3);
}

TEST(Host, knows_disks) {
  EXPECT_GT(disk_space("/tmp")->total_bytes, disk_space("/tmp")->free_bytes);
  EXPECT_EQ(disk_space("/no/such").error().code(), ErrorCode::NotFound);
  EXPECT_FALSE(*is_network_file_system("/proc"));
  EXPECT_EQ(is_network_file_system("/no/such").error().code(), ErrorCode::NotFound);
}

TEST(RealClock, goes_forward_and_is_of_this_century) {
  const RealClock clock;
  const auto before = clock.monotonic();
  EXPECT_GT(clock.now(), *parse_timestamp_utc("2025-01-01"));
  EXPECT_GE(clock.monotonic(), before);
  CancelToken cancel;
  EXPECT_TRUE(pause_until(deadline_in(std::chrono::milliseconds(1)), cancel));
  cancel.cancel();
  EXPECT_FALSE(pause_until(deadline_in(std::chrono::hours(1)), cancel));
}

TEST(SystemRandom, does_not_repeat_itself) {
  SystemRandom random;
  EXPECT_NE(random.next(), random.next());
  EXPECT_EQ(random.hex(32).size(), 32u);
}

TEST(FileLock, is_held_by_one_and_names_its_holder) {
  const auto directory = TemporaryDirectory::create();
  const std::string path = join_path(directory->path(), "lock");
  {
    auto first = FileLock::acquire(path);
    ASSERT_TRUE(first.has_value());
    const auto second = FileLock::acquire(path);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code(), ErrorCode::Conflict);
    EXPECT_NE(second.error().message().find("process " + std::to_string(::getpid())),
              std::string::npos);
    const auto late =
        FileLock::acquire(path, deadline_in(std::chrono::milliseconds(25)), CancelToken());
    EXPECT_EQ(late.error().code(), ErrorCode::DeadlineExceeded);
    const FileLock moved = std::move(*first);
    EXPECT_FALSE(FileLock::acquire(path).has_value());
  }
  EXPECT_TRUE(FileLock::acquire(path).has_value());
  EXPECT_EQ(FileLock::acquire("/no/such/lock").error().code(), ErrorCode::NotFound);
}

TEST(FileLock, is_shared_by_many_and_never_beside_one_who_has_it_alone) {
  const auto directory = TemporaryDirectory::create();
  const std::string path = join_path(directory->path(), "lock");
  const auto share = [&] {
    return FileLock::acquire_shared(path, deadline_in(std::chrono::milliseconds(25)),
                                    CancelToken());
  };
  {
    const auto first = share();
    const auto second = share();
    EXPECT_TRUE(first.has_value() && second.has_value());
    EXPECT_EQ(FileLock::acquire(path).error().code(), ErrorCode::Conflict);
  }
  const auto alone = FileLock::acquire(path);
  ASSERT_TRUE(alone.has_value());
  EXPECT_EQ(share().error().code(), ErrorCode::DeadlineExceeded);
}

TEST(MappedFile, shows_the_bytes_of_a_file) {
  RealFileSystem files;
  const auto directory = TemporaryDirectory::create();
  const std::string path = join_path(directory->path(), "f");
  ASSERT_TRUE(files.write_file_durably(path, "mapped").has_value());
  auto mapped = MappedFile::open(path);
  const MappedFile moved = std::move(*mapped);
  EXPECT_EQ(moved.bytes(), "mapped");
  ASSERT_TRUE(files.write_file_durably(path, "").has_value());
  EXPECT_EQ(MappedFile::open(path)->bytes(), "");
  EXPECT_EQ(MappedFile::open(path + "x").error().code(), ErrorCode::NotFound);
  EXPECT_EQ(MappedFile::open(directory->path()).error().code(), ErrorCode::InvalidArgument);
}

TEST(SignalWaiter, returns_a_signal_a_wake_or_the_end_of_patience) {
  auto waiter = SignalWaiter::create({SIGUSR1});
  ASSERT_TRUE(waiter.has_value());
  EXPECT_FALSE((*waiter)->wait(deadline_in(std::chrono::milliseconds(1))).has_value());
  ::pthread_kill(::pthread_self(), SIGUSR1);
  EXPECT_EQ((*waiter)->wait(Deadline::none()), SIGUSR1);
  (*waiter)->wake();
  EXPECT_FALSE((*waiter)->wait(Deadline::none()).has_value());
  CancelToken cancel;
  cancel.cancel();
  EXPECT_FALSE((*waiter)->wait(Deadline::none(), &cancel).has_value());
}

}  // namespace
}  // namespace martlet::platform
