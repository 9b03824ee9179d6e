#include "platform/real_file_system.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

namespace martlet::platform {
namespace {

class RealFileSystemTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made.has_value());
    directory_ = std::make_unique<TemporaryDirectory>(std::move(*made));
  }
  std::string at(const std::string& name) const { return join_path(directory_->path(), name); }

  RealFileSystem files_;
  std::unique_ptr<TemporaryDirectory> directory_;
};

TEST_F(RealFileSystemTest, what_was_appended_is_read_back_from_any_offset) {
  auto file = files_.create_new(at("a"));
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE((*file)->append("hello ").has_value());
  ASSERT_TRUE((*file)->append("world").has_value());
  ASSERT_TRUE((*file)->sync().has_value());
  EXPECT_EQ(*(*file)->read_at(6, 100), "world");
  EXPECT_EQ(*(*file)->read_at(99, 10), "");
  EXPECT_EQ(*(*file)->size_bytes(), 11u);
  ASSERT_TRUE((*file)->truncate(5).has_value());
  ASSERT_TRUE((*file)->append("!").has_value());
  ASSERT_TRUE((*file)->close().has_value());
  EXPECT_EQ(*files_.read_file(at("a")), "hello!");
  EXPECT_FALSE((*file)->append("x").has_value());  // closed
}

TEST_F(RealFileSystemTest, a_read_larger_than_one_step_returns_everything) {
  std::string big(5'000'000, 'x');
  big[4'999'999] = 'y';
  ASSERT_TRUE(files_.write_file_durably(at("big"), big).has_value());
  auto file = files_.open_for_reading(at("big"));
  EXPECT_EQ(*(*file)->read_at(0, 100'000'000), big);
}

TEST_F(RealFileSystemTest, errors_carry_the_code_the_path_and_the_systems_words) {
  const auto missing = files_.open_for_reading(at("nowhere"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::NotFound);
  EXPECT_NE(missing.error().message().find("nowhere: No such file or directory"),
            std::string::npos);
  ASSERT_TRUE(files_.create_new(at("a")).has_value());
  EXPECT_EQ(files_.create_new(at("a")).error().code(), ErrorCode::AlreadyExists);
  EXPECT_EQ(files_.list(at("a")).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(files_.remove(at("b")).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(files_.sync_directory(at("b")).error().code(), ErrorCode::NotFound);
  EXPECT_EQ(files_.create_directories(at("a/b")).error().code(), ErrorCode::AlreadyExists);
  auto full = files_.open_for_appending("/dev/full");
  ASSERT_TRUE(full.has_value());
  EXPECT_EQ((*full)->append("x").error().code(), ErrorCode::ResourceExhausted);
  if (::geteuid() != 0) {
    ::chmod(at("a").c_str(), 0);
    EXPECT_EQ(files_.open_for_reading(at("a")).error().code(), ErrorCode::PermissionDenied);
  }
}

TEST_F(RealFileSystemTest, directories_are_made_listed_sorted_and_removed_as_a_whole) {
  ASSERT_TRUE(files_.create_directories(at("d/e/f/")).has_value());
  ASSERT_TRUE(files_.create_directories(at("d/e/f")).has_value());  // again is fine
  for (const char* name : {"d/z", "d/a", "d/m"})
    ASSERT_TRUE(files_.write_file_durably(at(name), name).has_value());
  EXPECT_EQ(*files_.list(at("d")), (std::vector<std::string>{"a", "e", "m", "z"}));
  EXPECT_EQ(files_.remove(at("d")).error().code(), ErrorCode::AlreadyExists);  // not empty
  EXPECT_EQ(files_.status(at("d"))->kind, FileKind::Directory);
  ASSERT_TRUE(files_.remove_all(at("d")).has_value());
  ASSERT_TRUE(files_.remove_all(at("d")).has_value());
  EXPECT_FALSE(files_.exists(at("d")));
}

TEST_F(RealFileSystemTest, rename_replaces_the_target) {
  ASSERT_TRUE(files_.write_file_durably(at("a"), "new").has_value());
  ASSERT_TRUE(files_.write_file_durably(at("b"), "old").has_value());
  ASSERT_TRUE(files_.rename(at("a"), at("b")).has_value());
  EXPECT_EQ(*files_.read_file(at("b")), "new");
  EXPECT_FALSE(files_.exists(at("a")));
}

TEST_F(RealFileSystemTest, a_named_pipe_does_not_block_the_reader) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  auto file = files_.open_for_reading(at("pipe"));
  ASSERT_TRUE(file.has_value());
  EXPECT_FALSE((*file)->read_at(0, 1).has_value());
}

TEST_F(RealFileSystemTest, a_confined_open_stays_below_its_root) {
  ASSERT_TRUE(files_.create_directories(at("root/in")).has_value());
  ASSERT_TRUE(files_.write_file_durably(at("root/in/good"), "good").has_value());
  ASSERT_TRUE(files_.write_file_durably(at("secret"), "secret").has_value());
  ASSERT_EQ(::symlink("../secret", at("root/link").c_str()), 0);
  ASSERT_EQ(::symlink("in", at("root/dir").c_str()), 0);
  auto good = open_beneath(at("root"), "in/good");
  ASSERT_TRUE(good.has_value()) << good.error().message();
  EXPECT_EQ(*(*good)->read_at(0, 10), "good");
  struct Case {
    const char* relative;
    ErrorCode code;
  };
  for (const Case& c :
       {Case{"../secret", ErrorCode::PermissionDenied},
        Case{"in/../../secret", ErrorCode::PermissionDenied},
        Case{"/etc/passwd", ErrorCode::PermissionDenied}, Case{"link", ErrorCode::PermissionDenied},
        Case{"dir/good", ErrorCode::PermissionDenied}, Case{"none", ErrorCode::NotFound},
        Case{"in", ErrorCode::InvalidArgument}, Case{"", ErrorCode::InvalidArgument}}) {
    const auto opened = open_beneath(at("root"), c.relative);
    ASSERT_FALSE(opened.has_value()) << c.relative;
    EXPECT_EQ(opened.error().code(), c.code) << c.relative << ": " << opened.error().message();
  }
}

TEST_F(RealFileSystemTest, a_temporary_directory_removes_itself_unless_released) {
  std::string path;
  {
    auto made = TemporaryDirectory::create(directory_->path(), "t-");
    ASSERT_TRUE(made.has_value());
    TemporaryDirectory moved = std::move(*made);
    path = moved.path();
    ASSERT_TRUE(files_.write_file_durably(join_path(path, "x"), "x").has_value());
  }
  EXPECT_FALSE(files_.exists(path));
  {
    auto made = TemporaryDirectory::create(directory_->path());
    path = made->release();
  }
  EXPECT_TRUE(files_.exists(path));
  EXPECT_EQ(TemporaryDirectory::create(at("absent")).error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace martlet::platform
