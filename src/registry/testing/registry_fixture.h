// registry/testing/registry_fixture.h: a registry of its own for each test, over SQLite and blobs
// in memory, on 1 January 2030.
#pragma once
#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "registry/model_registry.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace martlet::registry::testing {

class RegistryFixture : public ::testing::Test {
 protected:
  RegistryFixture();
  ~RegistryFixture() override;

  // What is wrong with the records.
  std::vector<std::string> findings();

  std::string directory_;
  artifacts::MemoryBlobStore blobs_;
  VirtualClock clock_{Timestamp{1'893'456'000'000'000}};
  std::unique_ptr<metadata::Database> database_;
  std::optional<ModelRegistry> registry_;
  const ModelName churn_ = *ModelName::parse("churn");
  const Actor author_{"user:ann"};
};

// For tests of one model, churn, and of its alias `live`.
class ModelFixture : public RegistryFixture {
 protected:
  // A version with a package of these bytes.
  ModelVersion add(const std::string& package = "package");
  Result<void> move(std::optional<std::int64_t> expected, std::int64_t target,
                    Environment environment = Environment::Production);
  // Where the alias points.
  std::optional<std::int64_t> target(Environment environment = Environment::Production);
  std::size_t audit_entries(const std::string& action);
  // A version without a package.
  static NewVersion sourced(const ModelName& model,
                            const std::string& source = "s3://bucket/model");

  const Alias live_ = live_alias();
  const Actor approver_{"user:bob"};
};

}  // namespace martlet::registry::testing
