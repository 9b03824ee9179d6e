#include "artifacts/open_blob_store.h"
#include "artifacts/testing/fake_s3.h"
#include "base/fake_file_system.h"
#include "platform/real_clock.h"
#include "platform/system_random.h"

#include <gtest/gtest.h>

namespace martlet::artifacts {
namespace {

class OpenBlobStore : public ::testing::Test {
 protected:
  Result<std::unique_ptr<DurableBlobStore>> open(const std::string& place) {
    BlobStoreOptions options;
    options.s3.credentials = {"key", Secret("secret"), Secret()};
    options.collection_lock = [this](CollectionShare) -> Result<std::unique_ptr<CollectionHold>> {
      ++holds_;
      return std::unique_ptr<CollectionHold>();
    };
    return open_blob_store(files_, clock_, random_, place, options);
  }
  FakeFileSystem files_;
  platform::RealClock clock_;
  platform::SystemRandom random_;
  int holds_ = 0;
};

TEST_F(OpenBlobStore, a_path_is_a_directory_and_a_url_a_server) {
  const auto directory = open("/store/blobs");
  ASSERT_TRUE(directory.has_value());
  const Digest digest = *(*directory)->put("a");
  EXPECT_TRUE(files_.exists((*directory)->place_of(digest)));

  const FakeS3 server(clock_);
  const auto remote = open(to_text(server.location()));
  ASSERT_TRUE(remote.has_value()) << remote.error().message();
  ASSERT_TRUE((*remote)->put("a").has_value());
  EXPECT_EQ((*remote)->place_of(digest),
            "s3://bucket/pre/" + digest.hex().substr(0, 2) + "/" + digest.hex().substr(2));
  EXPECT_EQ(server.objects().size(), 1U);
}

TEST_F(OpenBlobStore, both_take_the_lock_when_they_remove_by_age) {
  const FakeS3 server(clock_);
  for (const std::string& place : {std::string("/blobs"), to_text(server.location())}) {
    const auto store = open(place);
    const Digest digest = *(*store)->put("a");
    holds_ = 0;
    EXPECT_FALSE(*(*store)->remove_unless_put_since(digest, Timestamp{-1}));
    EXPECT_EQ(holds_, 1) << place;
    ASSERT_TRUE((*store)->put("a").has_value());
    EXPECT_EQ(holds_, 2) << place;
  }
}

TEST_F(OpenBlobStore, other_schemes_and_bad_urls_are_refused) {
  EXPECT_EQ(open("gs://bucket").error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(open("S3://bucket?region=a").error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(open("s3://B/x//y").error().findings().size(), 3U);
}

TEST_F(OpenBlobStore, a_place_has_one_spelling) {
  EXPECT_EQ(*blob_place("/some/where", ""), "/some/where");
  EXPECT_EQ(*blob_place("s3://bucket/x/?region=r", ""), *blob_place("s3://bucket/x", "r"));
  EXPECT_FALSE(blob_place("s3://bucket/x", "").has_value());
  EXPECT_FALSE(blob_place("ftp://bucket/x", "").has_value());
}

}  // namespace
}  // namespace martlet::artifacts
