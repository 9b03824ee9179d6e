#include "platform/gzip.h"
#include "platform/real_file_system.h"

#include <gtest/gtest.h>

namespace martlet::platform {
namespace {

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i * 7919 % 100'003) + ",";
  return text;
}

TEST(Gzip, a_round_trip_gives_the_same_bytes_and_packing_is_deterministic) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{3'000'000}}) {
    const std::string text = text_of(size);
    const std::string packed = gzip(text);
    EXPECT_EQ(packed, gzip(text));
    EXPECT_EQ(*gunzip(packed, 10'000'000), text);
  }
  EXPECT_LT(gzip(text_of(100'000), 9).size(), gzip(text_of(100'000), 1).size());
}

// Made by Python 3.11.2: gzip.compress(b"martlet\n", mtime=0).hex()
TEST(Gzip, reads_what_another_program_wrote) {
  const std::string bytes("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x4d\x2c\x2a\xc9\x49\x2d"
                          "\xe1\x02\x00\x0b\xd3\xdf\xdd\x08\x00\x00\x00",
                          28);
  const auto text = gunzip(bytes, 100);
  ASSERT_TRUE(text.has_value()) << text.error().message();
  EXPECT_EQ(*text, "martlet\n");
}

TEST(Gzip, members_behind_each_other_are_read_as_one) {
  EXPECT_EQ(*gunzip(gzip("one ") + gzip("") + gzip("two"), 100), "one two");
}

TEST(Gzip, damage_is_corrupt_and_a_bomb_is_stopped) {
  const std::string packed = gzip(text_of(10'000));
  EXPECT_EQ(gunzip(packed.substr(0, packed.size() / 2), 100'000).error().code(),
            ErrorCode::Corrupt);
  EXPECT_EQ(gunzip("", 10).error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(gunzip("plain text", 100).error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(gunzip(packed + "garbage", 100'000).error().code(), ErrorCode::Corrupt);
  std::string wrong_checksum = packed;
  wrong_checksum[wrong_checksum.size() - 6] ^= 1;
  EXPECT_EQ(gunzip(wrong_checksum, 100'000).error().code(), ErrorCode::Corrupt);
  const std::string bomb = gzip(std::string(10'000'000, '\0'));
  EXPECT_LT(bomb.size(), 20'000u);
  EXPECT_EQ(gunzip(bomb, 1'000'000).error().code(), ErrorCode::ResourceExhausted);
}

TEST(Gzip, files_are_read_in_pieces_and_the_reader_may_refuse) {
  RealFileSystem files;
  const auto directory = TemporaryDirectory::create();
  const std::string path = join_path(directory->path(), "x.gz");
  const std::string text = text_of(2'000'000);
  ASSERT_TRUE(files.write_file_durably(path, gzip(text)).has_value());
  EXPECT_EQ(*gunzip_file(files, path, 10'000'000), text);
  int pieces = 0;
  const auto refused = gunzip_file(files, path, 10'000'000, [&](std::string_view) -> Result<void> {
    if (++pieces == 2) return conflict("enough");
    return {};
  });
  EXPECT_EQ(refused.error().message(), "enough");
  EXPECT_EQ(pieces, 2);
  EXPECT_EQ(gunzip_file(files, path + "x", 1).error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace martlet::platform
