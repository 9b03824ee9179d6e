#include "table/engine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace martlet::table {
namespace {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::Schema;
using columns::Type;

std::unique_ptr<Engine> open_engine(EngineOptions options = {}) {
  auto engine = Engine::open(options);
  if (!engine.has_value()) {
    ADD_FAILURE() << engine.error().message();
    return nullptr;
  }
  return std::move(*engine);
}

Batch every_type() {
  return Batch(Schema({{"b", Type::Bool},
                       {"i", Type::Int64},
                       {"d", Type::Double},
                       {"t", Type::Text},
                       {"at", Type::Timestamp},
                       {"day", Type::Date}}),
               {Column::of_bools({1, 0, 0}, {1, 1, 0}),
                Column::of_int64s({-5, 0, std::int64_t{1} << 62}, {1, 0, 1}),
                Column::of_doubles({0.1, -2.5e300, 3}),
                Column::of_texts({"é", "", "a longer text than twelve"}, {1, 1, 1}),
                Column::of_timestamps({-1, 0, 1'364'774'400'000'001}, {1, 0, 1}),
                Column::of_dates({-1, 15'796, 0}, {1, 1, 0})});
}

TEST(Engine, every_type_comes_back_as_it_was_registered) {
  auto engine = open_engine();
  const Batch batch = every_type();
  ASSERT_TRUE(engine->register_batch("a \"table\"", batch).has_value());
  auto back = engine->query("select * from \"a \"\"table\"\"\"");
  ASSERT_TRUE(back.has_value()) << back.error().message();
  EXPECT_EQ(back->schema(), batch.schema());
  EXPECT_TRUE(back->equals(batch));
}

TEST(Engine, registering_again_replaces_the_table) {
  auto engine = open_engine();
  ASSERT_TRUE(engine->register_batch("t", every_type()).has_value());
  ASSERT_TRUE(
      engine->register_batch("t", Batch(Schema({{"x", Type::Int64}}), {Column::of_int64s({7})}))
          .has_value());
  EXPECT_EQ(engine->query("select x from t")->column(0).int64s()[0], 7);
  ASSERT_TRUE(engine->execute("create view v as select * from t").has_value());
  ASSERT_TRUE(engine->drop("v").has_value());
  ASSERT_TRUE(engine->drop("t").has_value());
  ASSERT_TRUE(engine->drop("t").has_value());
  EXPECT_FALSE(engine->query("from t").has_value());
}

TEST(Engine, parameters_of_every_type_are_bound) {
  auto engine = open_engine();
  const Cell cells[] = {Cell::of_bool(true),   Cell::of_int64(3),           Cell::of_double(0.5),
                        Cell::of_text("x'"),   Cell::of_timestamp({1'000}), Cell::of_date(2),
                        Cell::none(Type::Text)};
  auto row = engine->query("select ? a, ? b, ? c, ? d, ? e, ? f, ? is null g", cells);
  ASSERT_TRUE(row.has_value()) << row.error().message();
  EXPECT_EQ(row->column(3).text(0), "x'");
  EXPECT_EQ(row->column(4).int64s()[0], 1'000);
  EXPECT_EQ(row->schema()[4].type, Type::Timestamp);
  EXPECT_EQ(row->column(5).int64s()[0], 2);
  EXPECT_EQ(row->column(6).bools()[0], 1);
  const auto wrong = engine->query("select ?", {});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code(), ErrorCode::InvalidArgument);
}

TEST(Engine, other_types_are_mapped) {
  auto engine = open_engine();
  auto row = engine->query("select 1::hugeint h, 12.345::decimal(18,3) d, 'b'::enum('a','b') e, "
                           "'c0ffee00-0000-4000-8000-000000000001'::uuid u, "
                           "time '01:02:03.5' t, timestamp_s '1970-01-01 00:00:01' s, timestamp_ns "
                           "'1969-12-31 23:59:59.9999999' n, null x, "
                           "1::utinyint small, 0.25::float f, sum(i) total from range(3) r(i)");
  ASSERT_TRUE(row.has_value()) << row.error().message();
  EXPECT_EQ(row->column(0).int64s()[0], 1);
  EXPECT_EQ(row->column(1).doubles()[0], 12.345);
  EXPECT_EQ(row->column(2).text(0), "b");
  EXPECT_EQ(row->column(3).text(0), "c0ffee00-0000-4000-8000-000000000001");
  EXPECT_EQ(row->column(4).text(0), "01:02:03.500000");
  EXPECT_EQ(row->column(5).int64s()[0], 1'000'000);
  EXPECT_EQ(row->column(6).int64s()[0], -1);
  EXPECT_TRUE(row->column(7).is_missing(0));
  EXPECT_EQ(row->column(8).int64s()[0], 1);
  EXPECT_EQ(row->column(9).doubles()[0], 0.25);
  EXPECT_EQ(row->column(10).int64s()[0], 3);
}

TEST(Engine, integers_that_do_not_fit_name_the_column) {
  auto engine = open_engine();
  for (const char* sql : {"select 170141183460469231731687303715884105727::hugeint as big",
                          "select 18446744073709551615::ubigint as big",
                          "select -9223372036854775809::hugeint as big"}) {
    const auto result = engine->query(sql);
    ASSERT_FALSE(result.has_value()) << sql;
    EXPECT_EQ(result.error().code(), ErrorCode::InvalidArgument);
    EXPECT_NE(result.error().message().find("\"big\""), std::string::npos);
  }
  EXPECT_EQ(engine->query("select -9223372036854775808::hugeint as big")->column(0).int64s()[0],
            std::numeric_limits<std::int64_t>::min());
}

TEST(Engine, nested_types_and_double_names_say_what_to_do) {
  auto engine = open_engine();
  const auto list = engine->query("select [1, 2] as both");
  ASSERT_FALSE(list.has_value());
  EXPECT_NE(list.error().message().find("cast(\"both\" as varchar)"), std::string::npos);
  const auto twice = engine->query("select 1 as a, 2 as a");
  ASSERT_FALSE(twice.has_value());
  EXPECT_NE(twice.error().message().find("two columns called \"a\""), std::string::npos);
}

TEST(Engine, bare_times_are_local_readings_of_the_zone) {
  auto zone = Zone::find("America/New_York");
  ASSERT_TRUE(zone.has_value());
  auto engine = open_engine({.zone = *zone});
  auto row = engine->query("select timestamp '2013-07-01 05:00:00' as bare, timestamptz "
                           "'2013-07-01 05:00:00Z' as instant, "
                           "hour(timestamptz '2013-07-01 05:00:00Z') as local_hour");
  ASSERT_TRUE(row.has_value()) << row.error().message();
  EXPECT_EQ(to_text(Timestamp{row->column(0).int64s()[0]}), "2013-07-01T09:00:00Z");
  EXPECT_EQ(to_text(Timestamp{row->column(1).int64s()[0]}), "2013-07-01T05:00:00Z");
  EXPECT_EQ(row->column(2).int64s()[0], 1);
}

TEST(Engine, user_sql_reaches_neither_files_nor_settings) {
  auto engine = open_engine();
  const auto read = engine->query("select * from read_csv('/etc/hostname', header = false)");
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code(), ErrorCode::PermissionDenied) << read.error().message();
  EXPECT_FALSE(
      engine->execute("copy (select 1) to '/tmp/martlet-must-not-appear.csv'").has_value());
  EXPECT_FALSE(engine->execute("attach '/tmp/martlet-must-not-appear.db' as other").has_value());
  EXPECT_FALSE(engine->execute("set enable_external_access = true").has_value());
  EXPECT_FALSE(engine->execute("set threads = 9").has_value());
  EXPECT_FALSE(engine->execute("install httpfs").has_value());
  EXPECT_FALSE(engine->execute("load httpfs").has_value());
  EXPECT_FALSE(std::filesystem::exists("/tmp/martlet-must-not-appear.csv"));
}

TEST(Engine, user_sql_may_read_the_files_it_was_given) {
  const std::string path = testing::TempDir() + "martlet_engine_allowed.csv";
  std::ofstream(path) << "a\n1\n";
  auto engine = open_engine({.readable_paths = {path}});
  const auto rows = engine->query("select * from read_csv(" + quote_text(path) + ")");
  EXPECT_TRUE(rows.has_value()) << rows.error().message();
  EXPECT_FALSE(engine->query("select * from read_csv('/etc/hostname')").has_value());
  std::filesystem::remove(path);
}

TEST(Engine, a_statement_beyond_its_limit_is_stopped) {
  auto engine = open_engine({.statement_limit = std::chrono::milliseconds(10)});
  const auto endless =
      engine->query("select sum(a.range * b.range % 7) from range(1000000) a, range(1000000) b");
  ASSERT_FALSE(endless.has_value());
  EXPECT_EQ(endless.error().code(), ErrorCode::DeadlineExceeded) << endless.error().message();
  EXPECT_TRUE(engine->query("select 1 as one").has_value()) << "the engine is still usable";
}

TEST(Engine, a_cancelled_statement_stops) {
  auto engine = open_engine();
  const CancelToken token;
  token.cancel();
  const auto endless =
      engine->query("select sum(a.range * b.range % 7) from range(1000000) a, range(1000000) b", {},
                    {.cancel = token});
  ASSERT_FALSE(endless.has_value());
  EXPECT_EQ(endless.error().code(), ErrorCode::Cancelled);
}

TEST(Engine, an_answer_larger_than_the_memory_is_refused) {
  auto engine = open_engine({.memory_limit_bytes = 10 << 20});
  const auto large = engine->query("select list(range) as l from range(20000000)");
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().code(), ErrorCode::ResourceExhausted) << large.error().message();
}

TEST(Engine, streaming_hands_over_every_row_in_order) {
  auto engine = open_engine({.threads = 2});
  std::int64_t next = 0;
  std::size_t pieces = 0;
  auto done = engine->stream("select range as i from range(200000)", {},
                             [&](const Batch& piece) -> Result<void> {
                               ++pieces;
                               for (const auto value : piece.column(0).int64s()) {
                                 if (value != next++) return internal_error("out of order");
                               }
                               return {};
                             });
  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_EQ(next, 200'000);
  EXPECT_GT(pieces, 2U);
  auto stopped = engine->stream("select range as i from range(200000)", {},
                                [](const Batch&) -> Result<void> { return conflict("enough"); });
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code(), ErrorCode::Conflict);
  std::size_t empty_rows = 99;
  ASSERT_TRUE(engine
                  ->stream("select 1 as a where false", {},
                           [&](const Batch& piece) -> Result<void> {
                             empty_rows = piece.rows();
                             return {};
                           })
                  .has_value());
  EXPECT_EQ(empty_rows, 0U);
}

TEST(Engine, the_tables_of_a_query_leave_out_its_own) {
  auto engine = open_engine();
  const auto names = engine->tables_of(
      "with late as (select * from flights) select * from late join planes using (tailnum)");
  ASSERT_TRUE(names.has_value()) << names.error().message();
  EXPECT_EQ(*names, (std::vector<std::string>{"flights", "planes"}));
  const auto same =
      engine->tables_of("with flights as (select * from flights) select * from flights");
  EXPECT_EQ(*same, (std::vector<std::string>{"flights"}))
      << "a WITH that is not recursive does not see itself";
  const auto recursive =
      engine->tables_of("with recursive r as (select 1 as i union all select i + 1 from r where i "
                        "< (select max(x) from tops)) select * from r");
  EXPECT_EQ(*recursive, (std::vector<std::string>{"tops"}));
  EXPECT_FALSE(engine->tables_of("selec 1").has_value());
  EXPECT_FALSE(engine->tables_of("create table t as select 1").has_value());
  EXPECT_FALSE(engine->tables_of("select 1; select 2").has_value());
}

TEST(Engine, the_schema_of_a_query_is_known_without_running_it) {
  auto engine = open_engine();
  const auto schema = engine->schema_of("select 1 as a, 'x' as b, now() as c");
  ASSERT_TRUE(schema.has_value());
  EXPECT_EQ(*schema, Schema({{"a", Type::Int64}, {"b", Type::Text}, {"c", Type::Timestamp}}));
  const auto unknown = engine->schema_of("select * from nowhere");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code(), ErrorCode::InvalidArgument);
  EXPECT_NE(unknown.error().message().find("nowhere"), std::string::npos);
}

TEST(Engine, a_text_that_is_not_utf8_is_refused_with_its_row) {
  auto engine = open_engine();
  const auto refused = engine->register_batch(
      "t", Batch(Schema({{"name", Type::Text}}), {Column::of_texts({"fine", "\xff"})}));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("row 2"), std::string::npos)
      << refused.error().message();
}

TEST(Engine, sums_of_floats_on_one_thread_are_the_same_bits_every_time) {
  double first = 0;
  for (int i = 0; i < 3; ++i) {
    auto engine = open_engine();
    ASSERT_TRUE(
        engine->execute("create table t as select sin(range) as x from range(300000)").has_value());
    const double mean = engine->query("select avg(x) as m from t")->column(0).doubles()[0];
    if (i == 0) first = mean;
    EXPECT_EQ(mean, first);
  }
}

}  // namespace
}  // namespace martlet::table
