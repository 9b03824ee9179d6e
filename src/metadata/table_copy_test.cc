// All tables of a store made like another's, between each pair of drivers.
#include "metadata/database.h"
#include "metadata/schema.h"
#include "metadata/shared_key.h"
#include "metadata/store_copy.h"
#include "metadata/table_copy.h"
#include "metadata/testing/live_postgres.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <limits>
#include <tuple>

namespace martlet::metadata {
namespace {

using testing::Driver;

// The columns aren't in the order of their names, and one is added later.
struct ShelfRecord {
  std::string id;
  std::string name;
  std::optional<std::int64_t> floor;
  static constexpr RecordInfo kRecord{"shelves", "id"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("id", self.id);
    field("name", self.name);
    field("floor", self.floor);
  }
};

struct BookRecord {
  std::string shelf;
  std::int64_t number = 0;
  std::optional<double> price;
  Blob cover;
  static constexpr RecordInfo kRecord{"books", "shelf, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("shelf", self.shelf);
    field("number", self.number);
    field("price", self.price);
    field("cover", self.cover);
  }
};

SchemaGroup library_schema() {
  return {"library",
          {{1, "shelves and books", [](SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.create_table<ShelfRecord>());
              MARTLET_TRY(schema.create_table<BookRecord>({.references = {{"shelf", "shelves"}}}));
              return schema.create_index<ShelfRecord>({"name"}, Uniqueness::Unique);
            }}}};
}

class TableCopyTest : public ::testing::TestWithParam<std::tuple<Driver, Driver>> {
 protected:
  void SetUp() override {
    if (!from_place_.available() || !to_place_.available()) GTEST_SKIP() << testing::kNoPostgres;
    from_ = open(from_place_);
    to_ = open(to_place_);
  }
  static std::unique_ptr<Database> open(const testing::TestPlace& place) {
    auto opened = Database::open(place.place(), {.schema = {library_schema()}});
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    return std::move(*opened);
  }
  template <class R>
  static void put(Database& database, const R& record) {
    const auto done = database.write([&](Transaction& tx) { return tx.put(record); });
    EXPECT_TRUE(done.has_value()) << done.error().message();
  }
  void fill(std::int64_t books) {
    const auto done = from_->write([&](Transaction& tx) -> Result<void> {
      for (const char* id : {"a", "b", "Ä", "z'\"\\", ""})
        MARTLET_TRY(tx.put(ShelfRecord{id, "name of " + std::string(id), std::nullopt}));
      for (std::int64_t i = 0; i < books; ++i)
        MARTLET_TRY(tx.put(BookRecord{"a", i, 0.1 * static_cast<double>(i), Blob{{}}}));
      return {};
    });
    ASSERT_TRUE(done.has_value()) << done.error().message();
  }
  Result<std::vector<TableDifference>> make_equal() {
    return from_->read([&](const ReadTransaction& from) -> Result<std::vector<TableDifference>> {
      MARTLET_TRY_SET(const std::unique_ptr<OpenTransaction> tx, to_->begin());
      MARTLET_TRY_SET(std::vector<TableDifference> found, make_tables_equal(from, *tx));
      MARTLET_TRY(tx->commit());
      return found;
    });
  }
  std::vector<TableDifference> compare() {
    auto found = from_->read([&](const ReadTransaction& from) {
      return to_->read([&](const ReadTransaction& to) { return compare_tables(from, to); });
    });
    EXPECT_TRUE(found.has_value()) << found.error().message();
    return std::move(*found);
  }
  void expect_alike() {
    for (const TableDifference& table : compare()) {
      EXPECT_TRUE(table.none()) << table.table << ": " << table.first;
      EXPECT_EQ(table.from, table.to) << table.table;
    }
    EXPECT_EQ(sums(*from_), sums(*to_));
  }
  static TableSums sums(const Database& database) {
    return database.read([](const ReadTransaction& tx) { return sum_tables(tx); }).value();
  }
  static const TableDifference& of(const std::vector<TableDifference>& found,
                                   const std::string& table) {
    for (const TableDifference& each : found) {
      if (each.table == table) return each;
    }
    ADD_FAILURE() << "no table " << table;
    return found.front();
  }

  testing::TestPlace from_place_{std::get<0>(GetParam())};
  testing::TestPlace to_place_{std::get<1>(GetParam())};
  std::unique_ptr<Database> from_;
  std::unique_ptr<Database> to_;
};

TEST_P(TableCopyTest, every_value_comes_over) {
  fill(0);
  const double infinity = std::numeric_limits<double>::infinity();
  std::int64_t number = 0;
  for (const double price : {0.1, -0.0, infinity, -infinity, 5e-324, 1.7976931348623157e308,
                             std::numeric_limits<double>::quiet_NaN(), 3.0, 1.0 / 3})
    put(*from_, BookRecord{"Ä", number++, price, Blob{std::string("\0\xff\x01", 3)}});
  put(*from_, BookRecord{"Ä", std::numeric_limits<std::int64_t>::min(), std::nullopt, Blob{{}}});
  put(*from_, ShelfRecord{"größer", std::string("\x01\t\n \xF0\x9F\x93\x9A", 8),
                          std::numeric_limits<std::int64_t>::max()});
  const auto found = make_equal();
  ASSERT_TRUE(found.has_value()) << found.error().message();
  EXPECT_EQ(of(*found, "books").missing, 10);
  EXPECT_EQ(of(*found, "shelves").missing, 6);
  expect_alike();
  const auto read = to_->read([](const ReadTransaction& tx) { return tx.select<BookRecord>(); });
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(read->size(), 10u);
}

TEST_P(TableCopyTest, what_is_equal_is_not_written_again_and_all_kinds_of_changes_are) {
  fill(9000);  // several pages of both
  ASSERT_TRUE(make_equal().has_value());
  expect_alike();
  const auto again = make_equal();
  ASSERT_TRUE(again.has_value()) << again.error().message();
  for (const TableDifference& table : *again) EXPECT_TRUE(table.none()) << table.table;

  put(*from_, BookRecord{"a", 4500, 7.0, Blob{{}}});
  put(*from_, BookRecord{"b", 1, 7.0, Blob{{}}});
  ASSERT_TRUE(from_
                  ->write([](Transaction& tx) -> Result<std::int64_t> {
                    return tx.remove_where<BookRecord>(less("number", 700) && equal("shelf", "a"));
                  })
                  .has_value());
  const auto found = make_equal();
  ASSERT_TRUE(found.has_value()) << found.error().message();
  const TableDifference& books = of(*found, "books");
  EXPECT_EQ(books.missing, 1);
  EXPECT_EQ(books.changed, 1);
  EXPECT_EQ(books.extra, 700);
  EXPECT_EQ(books.from.rows, 8301);
  EXPECT_EQ(books.to.rows, 9000);
  EXPECT_EQ(books.first, R"(shelf "a", number 0)");
  expect_alike();
}

TEST_P(TableCopyTest, values_of_a_unique_index_may_be_swapped_and_the_index_is_there_again) {
  fill(1);
  ASSERT_TRUE(make_equal().has_value());
  ASSERT_TRUE(from_
                  ->write([](Transaction& tx) -> Result<void> {
                    MARTLET_TRY(tx.put(ShelfRecord{"a", "for a moment", {}}));
                    MARTLET_TRY(tx.put(ShelfRecord{"b", "name of a", {}}));
                    MARTLET_TRY(tx.put(ShelfRecord{"a", "name of b", {}}));
                    // A name that a removed one had.
                    MARTLET_TRY(tx.remove<ShelfRecord>("Ä"));
                    return tx.put(ShelfRecord{"0", "name of Ä", {}});
                  })
                  .has_value());
  const auto found = make_equal();
  ASSERT_TRUE(found.has_value()) << found.error().message();
  expect_alike();
  const auto twice =
      to_->write([](Transaction& tx) { return tx.insert(ShelfRecord{"new", "name of a", {}}); });
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().code(), ErrorCode::AlreadyExists);
}

TEST_P(TableCopyTest, records_go_with_those_that_they_refer_to) {
  fill(3);
  ASSERT_TRUE(make_equal().has_value());
  ASSERT_TRUE(from_
                  ->write([](Transaction& tx) -> Result<void> {
                    MARTLET_TRY(tx.remove_where<BookRecord>(equal("shelf", "a")));
                    MARTLET_TRY(tx.remove<ShelfRecord>("a"));
                    MARTLET_TRY(tx.put(ShelfRecord{"new", "new", {}}));
                    return tx.put(BookRecord{"new", 1, {}, Blob{{}}});
                  })
                  .has_value());
  const auto found = make_equal();
  ASSERT_TRUE(found.has_value()) << found.error().message();
  expect_alike();
  EXPECT_TRUE(to_->check_integrity()->empty());
}

TEST_P(TableCopyTest, nothing_is_kept_of_a_copy_that_is_not_committed) {
  fill(2000);
  const TableSums before = sums(*to_);
  ASSERT_TRUE(from_
                  ->read([&](const ReadTransaction& from) -> Result<void> {
                    MARTLET_TRY_SET(const std::unique_ptr<OpenTransaction> tx, to_->begin());
                    return make_tables_equal(from, *tx).map([](auto&&) {});
                  })
                  .has_value());
  EXPECT_EQ(sums(*to_), before);
  // An error between two pages ends it as well.
  const auto stopped =
      from_->read([&](const ReadTransaction& from) -> Result<std::vector<TableDifference>> {
        MARTLET_TRY_SET(const std::unique_ptr<OpenTransaction> tx, to_->begin());
        int pages = 0;
        return make_tables_equal(from, *tx, [&]() -> Result<void> {
          if (++pages < 5) return {};
          return fail(ErrorCode::Cancelled, "enough");
        });
      });
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code(), ErrorCode::Cancelled);
  EXPECT_EQ(sums(*to_), before);
  ASSERT_TRUE(make_equal().has_value());
  expect_alike();
}

TEST_P(TableCopyTest, a_difference_is_named_by_table_and_key) {
  fill(20);
  ASSERT_TRUE(make_equal().has_value());
  put(*to_, BookRecord{"a", 7, -1.0, Blob{{}}});
  const auto found = compare();
  EXPECT_EQ(of(found, "books").changed, 1);
  EXPECT_EQ(of(found, "books").first, R"(shelf "a", number 7)");
  EXPECT_NE(of(found, "books").from, of(found, "books").to);
  EXPECT_TRUE(of(found, "shelves").none());
}

TEST_P(TableCopyTest, the_sum_is_of_values_and_not_of_where_they_stand) {
  fill(0);
  put(*from_, BookRecord{"a", 1, 2.0, Blob{"xy"}});
  const TableSum one = sums(*from_)["books"];
  put(*from_, BookRecord{"a", 1, 2.0, Blob{"x"}});
  EXPECT_NE(sums(*from_)["books"], one);
  put(*from_, BookRecord{"a", 1, std::nullopt, Blob{"xy"}});
  EXPECT_NE(sums(*from_)["books"], one);
  put(*from_, BookRecord{"a", 1, 2.0, Blob{"xy"}});
  EXPECT_EQ(sums(*from_)["books"], one);
}

TEST_P(TableCopyTest, a_store_knows_what_it_is_a_copy_of) {
  fill(1);
  const auto identity = [](const Database& database) {
    return database.read([](const ReadTransaction& tx) { return store_identity(tx); }).value();
  };
  EXPECT_EQ(identity(*from_), "");
  EXPECT_EQ(store_identity(*from_, "one").value(), "one");
  EXPECT_EQ(store_identity(*from_, "two").value(), "one");
  ASSERT_TRUE(make_equal().has_value());
  EXPECT_EQ(identity(*to_), "one");

  const TableSums now = sums(*to_);
  ASSERT_TRUE(
      to_->write([&](Transaction& tx) { return end_copy(tx, "first", {5}, "somewhere", now); })
          .has_value());
  ASSERT_TRUE(to_->write([&](Transaction& tx) { return begin_copy(tx, "second"); }).has_value());
  const auto copy = to_->read([](const ReadTransaction& tx) { return last_copy(tx); }).value();
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(copy->attempt, "second");
  EXPECT_EQ(copy->at.micros, 5);
  EXPECT_EQ(parse_table_sums(copy->tables).value(), now);
  EXPECT_EQ(sums(*to_), now) << "what is known of the copy is no part of it";
  EXPECT_FALSE(parse_table_sums(Json{{"books", 3}}).has_value());
}

INSTANTIATE_TEST_SUITE_P(Drivers, TableCopyTest,
                         ::testing::Combine(::testing::Values(Driver::Sqlite, Driver::Postgres),
                                            ::testing::Values(Driver::Sqlite, Driver::Postgres)),
                         [](const auto& pair) {
                           const auto name = [](Driver driver) {
                             return std::string(driver == Driver::Sqlite ? "Sqlite" : "Postgres");
                           };
                           return name(std::get<0>(pair.param)) + "To" +
                                  name(std::get<1>(pair.param));
                         });

// What no driver of ours writes, but a stranger may have: it isn't cut off silently.
TEST(TableCopyOfStrangeTexts, a_text_with_a_nul_character_is_refused_and_named) {
  const testing::TestPlace from_place(Driver::Sqlite);
  const testing::TestPlace to_place(Driver::Sqlite);
  auto from = Database::open(from_place.place(), {.schema = {library_schema()}}).value();
  auto to = Database::open(to_place.place(), {.schema = {library_schema()}}).value();
  ASSERT_TRUE(
      from->write([](Transaction& tx) { return tx.put(ShelfRecord{"a", "x", {}}); }).has_value());
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(from_place.place().c_str(), &handle), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(handle, "UPDATE shelves SET name = 'x' || char(0) || 'y'", nullptr,
                         nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(handle);
  const auto copied =
      from->read([&](const ReadTransaction& tx) -> Result<std::vector<TableDifference>> {
        MARTLET_TRY_SET(const std::unique_ptr<OpenTransaction> open, to->begin());
        return make_tables_equal(tx, *open);
      });
  ASSERT_FALSE(copied.has_value());
  EXPECT_NE(copied.error().message().find("shelves"), std::string::npos);
  EXPECT_NE(copied.error().message().find(R"(id "a")"), std::string::npos);
}

}  // namespace
}  // namespace martlet::metadata
