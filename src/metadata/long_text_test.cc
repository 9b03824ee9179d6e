// Texts that are longer than PostgreSQL's indexes take, stored and found with each driver.
#include "base/random.h"
#include "metadata/database.h"
#include "metadata/testing/live_postgres.h"

#include <gtest/gtest.h>

namespace martlet::metadata {
namespace {

using testing::Driver;

struct LabelRecord {
  std::string owner;
  std::string key;
  std::string value;
  static constexpr RecordInfo kRecord{"labels", "owner, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("owner", self.owner);
    field("key", self.key);
    field("value", self.value);
  }
};

SchemaGroup label_schema() {
  return {"labels", {{1, "labels", [](SchemaEditor& schema) -> Result<void> {
                        MARTLET_TRY(schema.create_table<LabelRecord>());
                        return schema.create_index<LabelRecord>({"key", "value"});
                      }}}};
}

// Nothing compresses it, and its characters have four bytes.
std::string noise(std::size_t characters) {
  SeededRandom random(1);
  std::string text;
  for (std::size_t i = 0; i < characters; ++i) {
    const auto point = static_cast<std::uint32_t>(0x10000 + random.next() % 0xf0000);
    text += static_cast<char>(0xf0 | (point >> 18));
    text += static_cast<char>(0x80 | ((point >> 12) & 0x3f));
    text += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (point & 0x3f));
  }
  return text;
}

class LongTextTest : public ::testing::TestWithParam<Driver> {
 protected:
  void SetUp() override {
    if (!scratch_.available()) GTEST_SKIP() << testing::kNoPostgres;
    auto opened = Database::open(scratch_.place(), {.schema = {label_schema()}});
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    database_ = std::move(*opened);
  }
  Result<void> add(const LabelRecord& record) {
    return database_->write([&](Transaction& tx) { return tx.insert(record); });
  }
  std::vector<std::string> owners(const Condition& condition) {
    const auto found = database_->read([&](const ReadTransaction& tx) {
      return tx.select<LabelRecord>(Query(condition).order_by("owner"));
    });
    EXPECT_TRUE(found.has_value()) << found.error().message();
    std::vector<std::string> names;
    for (const LabelRecord& record : *found) names.push_back(record.owner);
    return names;
  }

  testing::TestPlace scratch_{GetParam()};
  std::unique_ptr<Database> database_;
};

using Owners = std::vector<std::string>;

TEST_P(LongTextTest, a_text_of_8000_characters_is_stored_and_found_by_the_whole_of_it) {
  const std::string key = noise(250);
  const std::string text = noise(8000);
  const std::string other = text.substr(0, text.size() - 4);  // the same but for its last character
  for (const auto& [owner, value] :
       {std::pair{"a", text}, std::pair{"b", other}, std::pair{"c", std::string("short")}})
    ASSERT_TRUE(add({owner, key, value}).has_value()) << owner;
  const auto having = [&](Condition value) { return equal("key", key) && std::move(value); };
  EXPECT_EQ(owners(having(equal("value", text))), Owners{"a"});
  EXPECT_EQ(owners(having(equal("value", other))), Owners{"b"});
  EXPECT_EQ(owners(having(equal("value", text.substr(0, 1200)))), Owners{});
  EXPECT_EQ(owners(having(not_equal("value", text))), (Owners{"b", "c"}));
  EXPECT_EQ(owners(having(in("value", Owners{other, "short"}))), (Owners{"b", "c"}));
  EXPECT_EQ(owners(having(negate(in("value", Owners{text, "none"})))), (Owners{"b", "c"}));
  EXPECT_EQ(owners(having(like("value", text.substr(0, 4000) + "%"))), (Owners{"a", "b"}));
}

TEST_P(LongTextTest, a_text_as_long_as_the_index_takes_is_found_like_any_other) {
  for (const std::size_t characters : {299, 300, 301}) {
    const std::string text = noise(characters);
    ASSERT_TRUE(add({std::to_string(characters), "k", text}).has_value());
    EXPECT_EQ(owners(equal("value", text)), Owners{std::to_string(characters)});
  }
  EXPECT_EQ(owners(equal("value", "")), Owners{});
}

INSTANTIATE_TEST_SUITE_P(Drivers, LongTextTest, ::testing::Values(Driver::Sqlite, Driver::Postgres),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace martlet::metadata
