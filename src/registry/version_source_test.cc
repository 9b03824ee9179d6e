#include "registry/version_source.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>

namespace martlet::registry {
namespace {

constexpr const char* kRun = "mlflow-artifacts:/0/r1/artifacts";
constexpr const char* kModel = "mlflow-artifacts:/0/models/m-1/artifacts";

SourceClaim claim_of(const std::string& source, const std::string& run = "",
                     const std::string& model = "") {
  SourceClaim claim;
  claim.source = source;
  claim.run_id = run;
  if (run == "r1") claim.run_location = kRun;
  claim.model_id = model;
  if (model == "m-1") claim.model_location = kModel;
  return claim;
}

TEST(VersionSource, accepts_what_belongs_to_the_run_or_model_that_is_named) {
  struct Row {
    const char* source;
    const char* run;
    const char* model;
    SourceKind kind;
    const char* location;
  };
  for (const Row& row : std::vector<Row>{
           {"mlflow-artifacts:/0/r1/artifacts/model", "r1", "", SourceKind::Artifacts,
            "mlflow-artifacts:/0/r1/artifacts/model"},
           {"mlflow-artifacts:/0/r1/artifacts", "r1", "", SourceKind::Artifacts,
            "mlflow-artifacts:/0/r1/artifacts"},
           {"mlflow-artifacts:/0/r1/artifacts/my%20model", "r1", "", SourceKind::Artifacts,
            "mlflow-artifacts:/0/r1/artifacts/my%20model"},
           {"mlflow-artifacts:/0/models/m-1/artifacts", "", "m-1", SourceKind::Artifacts,
            "mlflow-artifacts:/0/models/m-1/artifacts"},
           {"mlflow-artifacts:/0/models/m-1/artifacts", "r1", "m-1", SourceKind::Artifacts,
            "mlflow-artifacts:/0/models/m-1/artifacts"},
           {"runs:/r1/model", "r1", "", SourceKind::Artifacts,
            "mlflow-artifacts:/0/r1/artifacts/model"},
           {"runs:/r1", "r1", "", SourceKind::Artifacts, "mlflow-artifacts:/0/r1/artifacts"},
           {"RUNS:///r1//a/./b/", "r1", "", SourceKind::Artifacts,
            "mlflow-artifacts:/0/r1/artifacts/a/b"},
           {"models:/m-1", "", "m-1", SourceKind::LoggedModel,
            "mlflow-artifacts:/0/models/m-1/artifacts"},
           {"models:/churn/3", "", "", SourceKind::ModelVersion, ""},
           {"models:/churn@live", "r1", "", SourceKind::ModelVersion, ""},
           {"models:/churn/latest", "", "", SourceKind::ModelVersion, ""},
           {"s3://bucket/models/a..b/c", "", "", SourceKind::Remote, "s3://bucket/models/a..b/c"},
           {"s3://bucket/model?versionId=3#part", "r1", "", SourceKind::Remote,
            "s3://bucket/model?versionId=3#part"},
           {"abfss://container@account.dfs.core.windows.net/model", "", "", SourceKind::Remote,
            "abfss://container@account.dfs.core.windows.net/model"},
           {"dbfs:/databricks/mlflow/0/model", "", "", SourceKind::Remote,
            "dbfs:/databricks/mlflow/0/model"},
           {"https://example.org/model.zip", "", "", SourceKind::Remote,
            "https://example.org/model.zip"}}) {
    const auto checked = check_source(claim_of(row.source, row.run, row.model));
    ASSERT_TRUE(checked.has_value()) << row.source << ": " << checked.error().message();
    EXPECT_EQ(checked->kind, row.kind) << row.source;
    EXPECT_EQ(checked->location, row.location) << row.source;
    EXPECT_EQ(checked->reference.has_value(), row.kind == SourceKind::ModelVersion);
  }
}

TEST(VersionSource, refuses_every_other_place) {
  struct Row {
    const char* source;
    const char* run;
    const char* model;
  };
  for (const Row& row : std::vector<Row>{
           {"", "r1", ""},
           {"mlflow-artifacts:/0/r1/artifacts/model", "", ""},        // whose?
           {"mlflow-artifacts:/0/r1/artifacts/model", "r2", ""},      // there is no r2
           {"mlflow-artifacts:/0/r2/artifacts/model", "r1", ""},      // another run's
           {"mlflow-artifacts:/0/r1/artifacts-of-others", "r1", ""},  // only a common beginning
           {"mlflow-artifacts:/0/r1", "r1", ""},                      // above
           {"mlflow-artifacts:/", "r1", ""},
           {"mlflow-artifacts:/0/r1/artifacts/model", "r1", "m-1"},  // not the logged model's
           {"mlflow-artifacts://other:5000/0/r1/artifacts/model", "r1", ""},
           {"mlflow-artifacts:/0/r1/artifacts/model?x=1", "r1", ""},
           {"mlflow-artifacts:/0/r1/artifacts/model#x", "r1", ""},
           {"http://h/api/2.0/mlflow-artifacts/artifacts/0/r2/artifacts", "r1", ""},
           {"http://h/api/2.0/mlflow-artifacts/artifacts/0/r1/artifacts", "", ""},
           {"http://h/api/2.0/mlflow%2dartifacts//%61rtifacts/0/r1/artifacts", "", ""},
           {"HTTPS://h/prefix/api/2.0/./mlflow-artifacts/artifacts/0/r2/artifacts", "r1", ""},
           {"runs:/r1/model", "", ""},
           {"runs:/r2/model", "r1", ""},
           {"runs:/r2/model", "r2", ""},
           {"runs://host/r1/model", "r1", ""},
           {"runs:/", "r1", ""},
           {"runs:/r1/model?a", "r1", ""},
           {"runs:/r1/model", "r1", "m-1"},
           {"models:/m-1", "", ""},
           {"models:/m-2", "", "m-1"},
           {"models:/m-2", "", "m-2"},
           {"models://profile/churn/3", "", ""},
           {"models:/churn/x", "", ""},
           {"models:/churn/3/more", "", ""},
           {"models:/", "", ""},
           {"models:/churn@latest", "", ""},
           {"javascript:alert(1)", "", ""},
           {"data:text/plain,x", "", ""},
           {"jar:file:///etc/passwd", "", ""},
           {"unknown://x/y", "", ""},
           {"https://user:secret@example.org/model", "", ""},
           // local, in every spelling, without a local home of the run
           {"/etc/passwd", "r1", ""},
           {"etc/passwd", "r1", ""},
           {"./model", "r1", ""},
           {"//proc/self/root", "r1", ""},
           {"C:/windows", "r1", ""},
           {"file:///etc/passwd", "r1", ""},
           {"FILE:/etc/passwd", "r1", ""},
           {"file://localhost/etc/passwd", "r1", ""},
           {"file%3a///etc/passwd", "r1", ""},
           {" file:///etc/passwd", "r1", ""}}) {
    const auto checked = check_source(claim_of(row.source, row.run, row.model));
    ASSERT_FALSE(checked.has_value()) << row.source;
    EXPECT_EQ(checked.error().code(), ErrorCode::InvalidArgument) << row.source;
    EXPECT_NE(checked.error().message().find("Invalid model version source"), std::string::npos);
  }
}

TEST(VersionSource, refuses_parents_in_every_spelling_under_every_scheme) {
  const std::vector<std::string> spellings{
      "..",     "%2e%2e",    "%2E.",     ".%2e",         "%252e%252e", "%25252e%2e",
      "..%2f",  "..%252f..", "%2f..%2f", "..%5c..",      "..\\..",     "..;",
      "..;a=b", ".. ",       "..%20",    "%2e%2e%3bx",   "a%2f..%2fb", "..%00",
      "x%00",   "%5c",       "..%0a",    "%c0%ae%c0%ae", "..%3f",      "..%23"};
  const std::vector<std::string> places{"mlflow-artifacts:/0/r1/artifacts/",
                                        "runs:/r1/",
                                        "s3://bucket/a/",
                                        "https://example.org/a/",
                                        "file:///tmp/r1/",
                                        "/tmp/r1/",
                                        "mlflow-artifacts://host:1/",
                                        "dbfs:/a/"};
  for (const std::string& place : places) {
    for (const std::string& spelling : spellings) {
      for (const std::string& source : {place + spelling, place + spelling + "/b"})
        EXPECT_FALSE(check_source(claim_of(source, "r1")).has_value()) << source;
    }
  }
  for (const char* extra : {"?a=../../b", "#../b", "?a=%2e%2e/b", "#%252e%252e", "?..", "#a/.."})
    EXPECT_FALSE(check_source(claim_of(std::string("s3://bucket/a") + extra)).has_value()) << extra;
  std::string encoded = "%2e%2e";
  for (int i = 0; i < 30; ++i) {
    std::string again;
    for (const char c : encoded) again += c == '%' ? "%25" : std::string(1, c);
    encoded = again;
  }
  EXPECT_FALSE(check_source(claim_of("s3://bucket/" + encoded)).has_value());
  EXPECT_FALSE(check_source(claim_of("s3://bucket/" + std::string(5000, 'a'))).has_value());
  EXPECT_FALSE(check_source(claim_of("s3://bucket/\xff")).has_value());
}

TEST(VersionSource, prompts_have_a_source_that_says_nothing) {
  SourceClaim claim = claim_of("prompt-template");
  EXPECT_FALSE(check_source(claim).has_value());
  claim.prompt = true;
  EXPECT_EQ(check_source(claim)->kind, SourceKind::Prompt);
  claim.source = "dummy-source";
  EXPECT_EQ(check_source(claim)->kind, SourceKind::Prompt);
  claim.source = "s3://bucket/model";
  EXPECT_FALSE(check_source(claim).has_value());
}

// What a symbolic link names is what counts, on both sides.
TEST(VersionSource, local_paths_are_judged_where_their_links_lead) {
  namespace fs = std::filesystem;
  std::string pattern = (fs::temp_directory_path() / "martlet-test-XXXXXX").string();
  const std::string root = mkdtemp(pattern.data());
  fs::create_directories(root + "/r1/artifacts/model");
  fs::create_directories(root + "/r1/artifacts-other");
  fs::create_directories(root + "/secret dir");
  fs::create_directory_symlink(root + "/secret dir", root + "/r1/artifacts/out");
  fs::create_directory_symlink(root + "/r1/artifacts/model", root + "/in");
  fs::create_directory_symlink(root + "/r1/artifacts", root + "/home");
  const PathResolver resolve = [](const std::string& path) -> Result<std::string> {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error) return not_found(error.message());
    return real.string();
  };
  const auto accepted = [&](const std::string& source, const std::string& home) {
    SourceClaim claim = claim_of(source, "r1");
    claim.run_location = home;
    return check_source(claim, resolve).has_value();
  };
  for (const std::string& home : {root + "/r1/artifacts", "file://" + root + "/home"}) {
    EXPECT_TRUE(accepted(root + "/r1/artifacts/model", home));
    EXPECT_TRUE(accepted("file://" + root + "/r1/artifacts/model", home));
    EXPECT_TRUE(accepted("file://localhost" + root + "/r1/artifacts/model", home));
    EXPECT_TRUE(accepted(root + "/r1/artifacts", home));
    EXPECT_TRUE(accepted(root + "/in", home));
    EXPECT_FALSE(accepted(root + "/r1/artifacts/out", home));
    EXPECT_FALSE(accepted("file://" + root + "/r1/artifacts/out", home));
    EXPECT_FALSE(accepted(root + "/r1/artifacts-other", home));
    EXPECT_FALSE(accepted(root + "/r1", home));
    EXPECT_FALSE(accepted(root + "/r1/artifacts/absent", home));
    EXPECT_FALSE(accepted("file://" + root + "/secret%20dir", home));
    EXPECT_FALSE(accepted("file://elsewhere" + root + "/r1/artifacts/model", home));
    EXPECT_FALSE(accepted(root + "/r1/artifacts/model?x", home));
    EXPECT_FALSE(accepted("/", home));
  }
  EXPECT_FALSE(accepted(root + "/r1/artifacts/model", kRun));
  EXPECT_FALSE(check_source(claim_of(root + "/r1/artifacts/model"), resolve).has_value());
  fs::remove_all(root);
}

}  // namespace
}  // namespace martlet::registry
