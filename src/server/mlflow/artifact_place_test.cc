#include "server/mlflow/artifact_calls.h"

#include <gtest/gtest.h>

namespace martlet::server::mlflow {
namespace {

TEST(ArtifactPlace, reads_the_two_forms_that_the_server_gives_out) {
  const auto run = artifact_place("3/0190abc/artifacts/model/a b.txt");
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->experiment.text(), "3");
  EXPECT_EQ(run->owner.run.text(), "0190abc");
  EXPECT_EQ(run->file, "model/a b.txt");
  const auto model = artifact_place("3/models/m-1/artifacts/MLmodel");
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->owner.model, "m-1");
  EXPECT_TRUE(model->owner.run.empty());
  EXPECT_EQ(model->file, "MLmodel");
  EXPECT_EQ(artifact_place("3/0190abc/artifacts")->file, "");
}

TEST(ArtifactPlace, refuses_whatever_leads_elsewhere) {
  for (const char* path :
       {"", "3", "3/r", "3/r/other/x", "3/models/m/x", "../3/r/artifacts/x", "3/r/artifacts/../x",
        "3/r/artifacts//x", "3/r/artifacts/x/", "3/r/artifacts/./x", "3/r/artifacts/%2e%2e/x",
        "3/r/artifacts/%2E%2E%2Fx", "3/r/artifacts/a%252e", "3/r/artifacts/a#b",
        "3/r/artifacts/a?b", "3/r/artifacts/a\\b", "3/r/artifacts/a\nb", "3/r/artifacts/\xff"}) {
    const auto place = artifact_place(path);
    ASSERT_FALSE(place.has_value()) << path;
    EXPECT_EQ(place.error().code(), ErrorCode::InvalidArgument);
    EXPECT_TRUE(place.error().message().starts_with("Invalid path")) << place.error().message();
  }
}

}  // namespace
}  // namespace martlet::server::mlflow
