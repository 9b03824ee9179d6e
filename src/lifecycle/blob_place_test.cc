#include "base/durable_directory.h"
#include "base/fake_file_system.h"
#include "lifecycle/blob_place.h"

#include <gtest/gtest.h>

namespace martlet::lifecycle {
namespace {

constexpr const char* kPlace = "s3://bucket/a?endpoint=http://127.0.0.1:9000";
constexpr const char* kFull =
    "s3://bucket/a/?endpoint=http://127.0.0.1:9000&region=us-east-1&style=path";

BlobAccess at(const std::string& place) {
  BlobAccess access;
  access.place = place;
  access.key_id = "key";
  access.secret = Secret("hunter2");
  return access;
}

class BlobPlace : public ::testing::Test {
 protected:
  BlobPlace() { EXPECT_TRUE(create_directories_durably(files_, "/store").has_value()); }
  FakeFileSystem files_;
};

TEST_F(BlobPlace, blobs_lie_in_the_folder_unless_it_is_said_otherwise) {
  EXPECT_EQ(*place_of_blobs(files_, "/store", {}), "/store/blobs");
  ASSERT_TRUE(record_blob_place(files_, "/store", "/store/blobs").has_value());
  EXPECT_TRUE(files_.list("/store")->empty());
}

TEST_F(BlobPlace, a_store_remembers_its_server_and_no_credentials) {
  EXPECT_EQ(*place_of_blobs(files_, "/store", at(kPlace)), kFull);
  ASSERT_TRUE(record_blob_place(files_, "/store", kFull).has_value());
  EXPECT_EQ(*place_of_blobs(files_, "/store", {}), kFull);
  EXPECT_EQ(*place_of_blobs(files_, "/store", at(kPlace)), kFull) << "said again";
  EXPECT_EQ(files_.read_file("/store/blobs.json")->find("hunter2"), std::string::npos);
  files_.lose_power();
  EXPECT_EQ(*place_of_blobs(files_, "/store", {}), kFull);
}

TEST_F(BlobPlace, another_place_than_the_store_was_made_with_is_a_conflict) {
  ASSERT_TRUE(record_blob_place(files_, "/store", kFull).has_value());
  EXPECT_EQ(place_of_blobs(files_, "/store", at("s3://other?region=a")).error().code(),
            ErrorCode::Conflict);
  ASSERT_TRUE(files_.create_directories("/local").has_value());
  ASSERT_TRUE(files_.write_file_durably("/local/metadata.db", "x").has_value());
  EXPECT_EQ(place_of_blobs(files_, "/local", at(kPlace)).error().code(), ErrorCode::Conflict);
}

TEST_F(BlobPlace, what_is_no_place_is_refused) {
  EXPECT_EQ(place_of_blobs(files_, "/store", at("/somewhere")).error().code(),
            ErrorCode::InvalidArgument);
  EXPECT_EQ(place_of_blobs(files_, "/store", at("s3://B")).error().code(),
            ErrorCode::InvalidArgument);
  for (const char* bytes : {"", "{", "[]", "{\"place\": 3}"}) {
    ASSERT_TRUE(files_.write_file_durably("/store/blobs.json", bytes).has_value());
    EXPECT_EQ(place_of_blobs(files_, "/store", {}).error().code(), ErrorCode::Corrupt) << bytes;
  }
}

}  // namespace
}  // namespace martlet::lifecycle
