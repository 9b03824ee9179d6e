// The quick versions of what tests/storage/run does at length, and the proof that the harness finds planted bugs.
#include "storage/crash_loop.h"
#include "storage/fault_sweep.h"
#include "storage/power_loss.h"

#include <gtest/gtest.h>

#include <unistd.h>

namespace martlet::storage {
namespace {

TEST(KillNine, fifty_kills_lose_nothing_that_was_acknowledged) {
  CrashLoopOptions options;
  options.cycles = 50;
  options.directory = testing::TempDir() + "martlet-crash-" + std::to_string(getpid());
  const CrashLoopReport report = kill_often(options);
  EXPECT_EQ(report.violation, "");
  EXPECT_EQ(report.cycles, 50);
  EXPECT_GT(report.acknowledged, 100);  // it hit something
}

TEST(PowerLoss, three_hundred_states_hold_all_that_was_acknowledged) {
  PowerLossOptions options;
  options.seed = 20;
  options.states = 300;
  const PowerLossReport report = lose_power_often(options);
  EXPECT_EQ(report.violation, "");
  EXPECT_GE(report.states, 300);
  EXPECT_GT(report.acknowledged, 1000);
  EXPECT_GT(report.failed_syncs, 0);
}

TEST(Damage, a_flipped_bit_in_a_blob_is_never_given_out) { EXPECT_EQ(flip_bits(7, 50, Bug::None), ""); }

class PlantedBug : public testing::TestWithParam<Bug> {};

TEST_P(PlantedBug, is_found_within_two_thousand_states) {
  if (GetParam() == Bug::NoDigestCheck) {
    EXPECT_NE(flip_bits(7, 50, GetParam()), "");
    return;
  }
  PowerLossOptions options;
  options.seed = 3;
  options.states = 2000;
  options.bug = GetParam();
  const PowerLossReport report = lose_power_often(options);
  EXPECT_NE(report.violation, "") << name_of(GetParam()) << " got through " << report.states << " states";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBug, testing::ValuesIn(kBugs),
                         [](const auto& each) { return std::string(name_of(each.param)); });

class FaultSweep : public testing::TestWithParam<SweepPath> {};

TEST_P(FaultSweep, every_call_site_may_fail) {
  const SweepReport report = sweep(GetParam(), 11);
  for (const std::string& violation : report.violations) ADD_FAILURE() << violation;
  EXPECT_GT(report.sites, 0);
  EXPECT_EQ(report.sites_failed, report.sites);
}

// The other paths take a minute each: `martlet_storage_harness sweep`, which CI runs too.
INSTANTIATE_TEST_SUITE_P(All, FaultSweep,
                         testing::Values(SweepPath::Write, SweepPath::Upload, SweepPath::Promote),
                         [](const auto& each) { return std::string(name_of(each.param)); });

}  // namespace
}  // namespace martlet::storage
