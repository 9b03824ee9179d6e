// lifecycle/testing/store_fixture.h: stores in a folder of its own for each test, on a virtual
// clock that begins at 1 January 2030.
#pragma once
#include "base/clock.h"
#include "base/log.h"
#include "lifecycle/store.h"
#include "platform/real_file_system.h"
#include "platform/threads.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace martlet::lifecycle::testing {

class StoreFixture : public ::testing::Test {
 protected:
  StoreFixture() : directory_(platform::TemporaryDirectory::create().value()) {}

  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  // The store of that name, made when it is missing.
  std::unique_ptr<Store> open(const std::string& name) {
    auto opened = Store::open(host_, path(name), WhenMissing::Create);
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    return std::move(*opened);
  }

  platform::TemporaryDirectory directory_;
  platform::RealFileSystem files_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};
  SeededRandom random_{1};
  platform::ThreadPool pool_{platform::ThreadPoolOptions{.threads = 1}};
  Host host_{files_, clock_, random_, Log::none(), pool_, "0.1.0", "test"};
};

}  // namespace martlet::lifecycle::testing
