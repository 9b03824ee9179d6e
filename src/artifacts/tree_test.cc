#include "artifacts/memory_blob_store.h"
#include "artifacts/tree.h"
#include "base/fake_file_system.h"

#include <gtest/gtest.h>

namespace martlet::artifacts {
namespace {

const std::map<std::string, std::string> kFiles{
    {"martlet.json", "{}"}, {"model/model.txt", "tree"}, {"reference/rows.parquet", ""}};

TEST(Tree, reads_back_and_equal_files_have_equal_digests) {
  MemoryBlobStore store;
  const auto tree = put_tree(store, kFiles);
  ASSERT_TRUE(tree.has_value()) << tree.error().message();
  EXPECT_EQ(*put_tree(store, kFiles), *tree);
  const auto read = read_tree(store, *tree);
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->size(), 3U);
  EXPECT_EQ(read->at("model/model.txt").digest, digest_of("tree"));
  EXPECT_EQ(read->at("model/model.txt").size_bytes, 4U);
  EXPECT_EQ(*read_tree_file(store, *tree, "martlet.json"), "{}");
  EXPECT_EQ(read_tree_file(store, *tree, "absent").error().code(), ErrorCode::NotFound);
}

TEST(Tree, goes_out_to_a_directory_and_comes_back_with_the_same_digest) {
  FakeFileSystem files;
  MemoryBlobStore store(files);
  const Digest tree = *put_tree(store, kFiles);
  const auto out = materialise(store, files, tree, "/out");
  ASSERT_TRUE(out.has_value()) << out.error().message();
  EXPECT_EQ(*files.read_file("/out/model/model.txt"), "tree");
  EXPECT_EQ(*put_tree_of(store, files, "/out"), tree);
  EXPECT_TRUE(
      materialise(store, files, tree, "/out").has_value());  // what is there already is kept
  ASSERT_TRUE(files.write_file_durably("/out/martlet.json", "[]").has_value());
  EXPECT_EQ(materialise(store, files, tree, "/out").error().code(), ErrorCode::AlreadyExists);
}

TEST(Tree, a_copy_in_another_store_has_the_same_digest_and_files) {
  MemoryBlobStore from;
  MemoryBlobStore to;
  const Digest tree = *put_tree(from, kFiles);
  ASSERT_TRUE(copy_tree(from, to, tree).has_value());
  EXPECT_EQ(*read_tree(to, tree), *read_tree(from, tree));
  EXPECT_EQ(*read_tree_file(to, tree, "model/model.txt"), "tree");
}

TEST(Tree, a_file_that_is_gone_is_named_when_its_tree_is_copied) {
  MemoryBlobStore from;
  MemoryBlobStore to;
  const Digest tree = *put_tree(from, kFiles);
  ASSERT_TRUE(from.remove(digest_of("tree")).has_value());
  const auto copied = copy_tree(from, to, tree);
  ASSERT_FALSE(copied.has_value());
  EXPECT_EQ(copied.error().code(), ErrorCode::NotFound);
  EXPECT_NE(copied.error().message().find("model/model.txt"), std::string::npos);
  EXPECT_EQ(copy_tree(from, to, digest_of("none")).error().code(), ErrorCode::NotFound);
}

TEST(Tree, unsafe_paths_are_refused) {
  MemoryBlobStore store;
  for (const std::string& path :
       {std::string(), std::string("/etc/passwd"), std::string("../up"), std::string("a/../../up"),
        std::string("a//b"), std::string("a/"), std::string("."), std::string("a/./b"),
        std::string("a\\b"), std::string("a\nb"), std::string("nul\0", 4), std::string("\xff"),
        std::string(300, 'a'), "a/" + std::string(1100, '/')}) {
    EXPECT_EQ(check_relative_path(path).error().code(), ErrorCode::InvalidArgument) << path;
    EXPECT_EQ(put_tree(store, {{path, "x"}}).error().code(), ErrorCode::InvalidArgument) << path;
  }
  EXPECT_EQ(put_tree(store, {{"a", "x"}, {"a/b", "y"}}).error().code(), ErrorCode::InvalidArgument);
  for (const char* path : {"a", "..a", "a b/ü.txt", "a/b-c/...", ".hidden"})
    EXPECT_TRUE(check_relative_path(path).has_value()) << path;
}

TEST(Tree, a_blob_that_is_no_manifest_or_an_unsafe_one_is_corrupt) {
  MemoryBlobStore store;
  const std::string digest = digest_of("x").text();
  for (const std::string& bytes :
       {std::string("hello"), std::string("[]"), std::string("{\"a\": 1}"),
        "{\"../a\":{\"digest\":\"" + digest + "\",\"size\":1}}",
        "{\"a\":{\"digest\":\"" + digest + "\",\"size\":-1}}",
        std::string("{\"a\":{\"digest\":\"sha256:12\",\"size\":1}}")}) {
    const Digest manifest = *store.put(bytes);
    EXPECT_EQ(read_tree(store, manifest).error().code(), ErrorCode::Corrupt) << bytes;
  }
  EXPECT_EQ(read_tree(store, digest_of("absent")).error().code(), ErrorCode::NotFound);
}

TEST(Tree, a_directory_nested_too_deep_is_refused) {
  FakeFileSystem files;
  MemoryBlobStore store(files);
  std::string deep = "/deep";
  for (int i = 0; i < 70; ++i) deep += "/d";
  ASSERT_TRUE(files.create_directories(deep).has_value());
  EXPECT_EQ(put_tree_of(store, files, "/deep").error().code(), ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace martlet::artifacts
