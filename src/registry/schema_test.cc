// A store of the first version of these tables opens, and its models are found.
#include "artifacts/memory_blob_store.h"
#include "metadata/database.h"
#include "registry/internal/records.h"
#include "registry/model_registry.h"
#include "registry/schema.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdlib.h>

namespace martlet::registry {
namespace {

// As they were described then.
struct FirstModelRecord {
  std::string name;
  std::string description;
  Json tags = Json::object();
  Timestamp created;
  Timestamp updated;
  std::int64_t last_version = 0;
  static constexpr metadata::RecordInfo kRecord{"registered_models", "name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("description", self.description);
    field("tags", self.tags);
    field("created", self.created);
    field("updated", self.updated);
    field("last_version", self.last_version);
  }
};

struct FirstVersionRecord {
  std::string model;
  std::int64_t number = 0;
  Digest package;
  RunId run;
  VersionStatus status = VersionStatus::Ready;
  std::string description;
  Json tags = Json::object();
  Timestamp created;
  Timestamp updated;
  std::string created_by;
  static constexpr metadata::RecordInfo kRecord{"model_versions", "model, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("number", self.number);
    field("package", self.package);
    field("run", self.run);
    field("status", self.status);
    field("description", self.description);
    field("tags", self.tags);
    field("created", self.created);
    field("updated", self.updated);
    field("created_by", self.created_by);
  }
};

metadata::SchemaGroup first_schema() {
  return {"registry",
          {{1, "models, versions and aliases", [](metadata::SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.create_table<FirstModelRecord>());
              MARTLET_TRY(schema.create_table<FirstVersionRecord>());
              // These are as they were.
              MARTLET_TRY(schema.create_table<AliasRecord>());
              MARTLET_TRY(schema.create_table<AliasChangeRecord>());
              return schema.create_table<AttestationRecord>();
            }}}};
}

TEST(RegistrySchema, a_store_of_the_first_version_gets_sources_stages_and_searchable_tags) {
  std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
  const std::string directory = mkdtemp(pattern.data());
  const std::string path = directory + "/metadata.db";
  {
    auto old = metadata::Database::open(path, {.schema = {first_schema()}});
    ASSERT_TRUE(old.has_value()) << old.error().message();
    const auto written = (*old)->write([](metadata::Transaction& tx) -> Result<void> {
      MARTLET_TRY(tx.insert(FirstModelRecord{"churn", "d", {{"team", "red"}}, {5}, {6}, 1}));
      return tx.insert(FirstVersionRecord{"churn",
                                          1,
                                          digest_of("p"),
                                          RunId("r1"),
                                          VersionStatus::Ready,
                                          "v",
                                          {{"k", "v"}},
                                          {5},
                                          {6},
                                          "user:ann"});
    });
    ASSERT_TRUE(written.has_value()) << written.error().message();
  }
  auto opened = metadata::Database::open(path, {.schema = {registry_schema()}});
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  artifacts::MemoryBlobStore blobs;
  const VirtualClock clock{Timestamp{10}};
  ModelRegistry registry(**opened, blobs, clock);
  RegistrySearch search;
  search.filter = "tags.team = 'red'";
  const auto models = registry.search_models(search);
  ASSERT_TRUE(models.has_value()) << models.error().message();
  ASSERT_EQ(models->models.size(), 1U);
  EXPECT_EQ(models->models[0].created_by, "");
  search.filter = "tags.k = 'v'";
  const auto versions = registry.search_versions(search);
  ASSERT_TRUE(versions.has_value()) << versions.error().message();
  ASSERT_EQ(versions->versions.size(), 1U);
  EXPECT_EQ(versions->versions[0].stage, Stage::None);
  EXPECT_EQ(versions->versions[0].source, "");
  EXPECT_EQ(versions->versions[0].package, digest_of("p"));
  EXPECT_EQ(versions->versions[0].updated, Timestamp{6});
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace martlet::registry
