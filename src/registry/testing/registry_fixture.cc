#include "registry/testing/registry_fixture.h"

#include "registry/references.h"
#include "registry/schema.h"

#include <filesystem>
#include <stdlib.h>

namespace martlet::registry::testing {

RegistryFixture::RegistryFixture() {
  std::string pattern = (std::filesystem::temp_directory_path() / "martlet-test-XXXXXX").string();
  directory_ = mkdtemp(pattern.data());
  auto opened =
      metadata::Database::open(directory_ + "/metadata.db", {.schema = {registry_schema()}});
  EXPECT_TRUE(opened.has_value());
  database_ = std::move(*opened);
  registry_.emplace(*database_, blobs_, clock_);
}

RegistryFixture::~RegistryFixture() {
  registry_.reset();
  database_.reset();
  std::filesystem::remove_all(directory_);
}

std::vector<std::string> RegistryFixture::findings() {
  const auto found =
      database_->read([](const metadata::ReadTransaction& tx) { return check_records(tx); });
  EXPECT_TRUE(found.has_value());
  std::vector<std::string> texts;
  for (const Finding& finding : *found) texts.push_back(finding.path + ": " + finding.message);
  return texts;
}

ModelVersion ModelFixture::add(const std::string& package) {
  const Digest digest = *blobs_.put(package);
  auto added = registry_->add_version(
      {.model = churn_, .package = digest, .trained_by = RunId("r1")}, author_);
  EXPECT_TRUE(added.has_value()) << added.error().message();
  return *added;
}

Result<void> ModelFixture::move(std::optional<std::int64_t> expected, std::int64_t target,
                                Environment environment) {
  AliasMove request{.model = churn_,
                    .environment = environment,
                    .alias = live_,
                    .expected = {},
                    .target = {target},
                    .reason = "better"};
  if (expected.has_value()) request.expected = Version{*expected};
  return registry_->move_alias(request, approver_);
}

std::optional<std::int64_t> ModelFixture::target(Environment environment) {
  const auto version = registry_->target_of(churn_, environment, live_);
  EXPECT_TRUE(version.has_value());
  return version->has_value() ? std::optional<std::int64_t>((*version)->version.number)
                              : std::nullopt;
}

std::size_t ModelFixture::audit_entries(const std::string& action) {
  const auto found = database_->read([&](const metadata::ReadTransaction& tx) {
    return tx.count<metadata::AuditRecord>(metadata::equal("action", action));
  });
  return static_cast<std::size_t>(*found);
}

NewVersion ModelFixture::sourced(const ModelName& model, const std::string& source) {
  NewVersion request;
  request.model = model;
  request.source = source;
  return request;
}

}  // namespace martlet::registry::testing
