#include "data/dataset_builder.h"
#include "platform/real_file_system.h"
#include "table/parquet.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>

namespace martlet::data {
namespace {

using columns::Batch;
using columns::Schema;
using columns::Type;

class Datasets : public testing::Test {
 protected:
  Datasets() {
    std::string pattern = testing::TempDir() + "martlet_data_XXXXXX";
    directory_ = mkdtemp(pattern.data());
    file("flights.csv",
         "id,origin,plane,distance\n1,JFK,N1,100\n2,LGA,N2,-5\n3,jfk,N1,300\n3,jfk,N1,300\n");
    file("planes.jsonl", "{\"plane\":\"N1\",\"seats\":180}\n{\"plane\":\"N2\",\"seats\":50}\n");
  }
  ~Datasets() override { std::filesystem::remove_all(directory_); }

  void file(const std::string& name, std::string_view text) const {
    std::ofstream(directory_ + "/" + name) << text;
  }

  DataConfig config(std::string_view yaml) {
    auto node = Yaml::parse(yaml, "martlet.yaml");
    EXPECT_TRUE(node.has_value()) << (node.has_value() ? "" : node.error().message());
    findings_.clear();
    return parse_data(*node, findings_);
  }
  std::string findings() const {
    std::string all;
    for (const auto& finding : findings_) all += to_text(finding) + "\n";
    return all;
  }
  Result<BuiltDataset> build(const DataConfig& config, const std::string& name,
                             Zone zone = Zone::utc()) {
    DatasetBuilder builder(config, files_, {.directory = directory_, .zone = std::move(zone)});
    return builder.build(name);
  }

  std::string directory_;
  platform::RealFileSystem files_;
  std::vector<Finding> findings_;
};

constexpr const char* kFlights = R"(
sources:
  flights: {files: "fli*.csv"}
  planes: planes.jsonl
datasets:
  departures:
    sql: |
      select f.*, p.seats from flights f left join planes p using (plane) order by id
    clean:
      - drop_duplicates: {key: [id]}
      - normalise: {column: origin, case: upper}
    expect:
      - {column: distance, between: [1, 6000], on_fail: quarantine}
      - {column: origin, in: [JFK, LGA]}
      - {rows: ">= 3"}
)";

TEST_F(Datasets, go_from_files_through_sql_and_cleaning_to_rows) {
  const DataConfig read = config(kFlights);
  EXPECT_EQ(findings(), "");
  EXPECT_EQ(read.main_dataset()->name, "departures");
  EXPECT_EQ(read.main_dataset()->reads, (std::vector<std::string>{"flights", "planes"}));
  const auto built = build(read, "departures");
  ASSERT_TRUE(built.has_value()) << built.error().message();
  EXPECT_TRUE(built->passed());
  EXPECT_EQ(built->rows_read, 4);
  EXPECT_EQ(built->rows.schema(), Schema({{"id", Type::Int64},
                                          {"origin", Type::Text},
                                          {"plane", Type::Text},
                                          {"distance", Type::Int64},
                                          {"seats", Type::Int64}}));
  ASSERT_EQ(built->rows.rows(), 2U);
  EXPECT_EQ(built->rows.column(1).text(1), "JFK");
  EXPECT_EQ(built->rows.column(4).int64s()[1], 180);
  ASSERT_EQ(built->quarantined.rows(), 1U);
  EXPECT_EQ((*built->quarantined.column(kReason))->text(0), "distance between 1 and 6000");
  ASSERT_EQ(built->files.size(), 2U);
  EXPECT_EQ(built->files[0].source, "flights");
  EXPECT_FALSE(built->files[0].digest.is_zero());
  EXPECT_EQ(built->ledger[0].rows_removed, 1);
}

TEST_F(Datasets, every_source_is_a_dataset_too) {
  const DataConfig read = config("sources: {planes: {files: planes.jsonl}}");
  EXPECT_EQ(findings(), "");
  ASSERT_NE(read.main_dataset(), nullptr);
  EXPECT_TRUE(read.main_dataset()->implicit);
  const auto built = build(read, "planes");
  ASSERT_TRUE(built.has_value()) << built.error().message();
  EXPECT_EQ(built->rows.rows(), 2U);
}

TEST_F(Datasets, read_other_datasets_after_their_cleaning) {
  const DataConfig read = config(R"(
sources: {flights: {files: flights.csv}}
datasets:
  daily: {sql: "select origin, count(*) as legs from flights group by origin order by origin"}
  flights: {sql: "select * from flights", clean: [{drop_duplicates: {}}]}
)");
  EXPECT_EQ(findings(), "");
  const auto built = build(read, "daily");
  ASSERT_TRUE(built.has_value()) << built.error().message();
  EXPECT_EQ(built->rows.rows(), 3U);
  EXPECT_EQ((*built->rows.column("legs"))->int64s()[2], 1)
      << "the duplicate was dropped by the other dataset";
  EXPECT_EQ(built->read_datasets, (std::vector<std::string>{"flights"}));
  ASSERT_EQ(built->files.size(), 1U);
}

TEST_F(Datasets, every_mistake_of_the_configuration_is_found_at_once) {
  config(R"(
sources:
  flights: {files: flights.csv, csv: {nuls: [NA], types: {id: intger}, delimiter: ";;"}, zone: America/New_Yorck}
  9lives: {files: x.csv}
  weather: {database: "x"}
datasets:
  a: {sql: "select * from flihgts"}
  b: {sql: "selec 1"}
  c: {source: flight}
  d: {sql: "select * from e"}
  e: {sql: "select * from D"}
  f: {}
  g: {sql: "select 1", source: flights}
datasts: {}
)");
  for (const char* part :
       {"unknown key \"nuls\"", "did you mean \"integer\"", "one character", "America/New_York",
        "\"9lives\" is no name", "reads files only", "did you mean \"flights\"", "not a SQL query",
        "there is no source \"flight\"", "need each other", "needs sql", "not both",
        "unknown key \"datasts\" (did you mean \"datasets\"?)"}) {
    EXPECT_NE(findings().find(part), std::string::npos) << part << " in\n" << findings();
  }
}

TEST_F(Datasets, a_missing_column_in_sql_names_the_dataset) {
  const DataConfig read = config(
      "sources: {flights: flights.csv}\ndatasets: {late: {sql: 'select arr_delay from flights'}}");
  const auto built = build(read, "late");
  ASSERT_FALSE(built.has_value());
  EXPECT_EQ(built.error().code(), ErrorCode::InvalidArgument);
  EXPECT_NE(built.error().message().find("dataset \"late\""), std::string::npos);
  EXPECT_NE(built.error().message().find("arr_delay"), std::string::npos)
      << built.error().message();
}

TEST_F(Datasets, missing_files_name_the_source) {
  const DataConfig read = config("sources: {flights: nowhere/*.csv}");
  const auto built = build(read, "flights");
  ASSERT_FALSE(built.has_value());
  EXPECT_EQ(built.error().code(), ErrorCode::NotFound);
  EXPECT_NE(built.error().message().find("nowhere/*.csv"), std::string::npos);
  EXPECT_EQ(build(read, "flihgts").error().code(), ErrorCode::NotFound);
}

TEST_F(Datasets, an_unmet_expectation_is_in_the_result_and_stops_those_who_read_it) {
  const DataConfig read = config(R"(
sources: {flights: {files: flights.csv}}
datasets:
  checked: {source: flights, expect: [{column: id, unique: true}]}
  later: {sql: "select * from checked"}
)");
  EXPECT_FALSE(build(read, "checked")->passed());
  const auto later = build(read, "later");
  ASSERT_FALSE(later.has_value());
  EXPECT_EQ(later.error().code(), ErrorCode::Conflict);
}

TEST_F(Datasets, users_sql_sees_no_files) {
  const DataConfig read = config("datasets: {a: {sql: \"select * from read_csv('flights.csv')\"}}");
  EXPECT_EQ(build(read, "a").error().code(), ErrorCode::PermissionDenied);
}

TEST_F(Datasets, calendar_functions_and_bare_times_follow_the_zone) {
  file("t.csv", "due\n2013-07-01 05:00:00\n");
  const DataConfig read = config(R"(
sources: {t: t.csv}
datasets:
  d: {sql: "select due, hour(due) as h, date_trunc('day', due) as day from t"}
)");
  const auto built = build(read, "d", Zone::find("America/New_York").value());
  ASSERT_TRUE(built.has_value()) << built.error().message();
  EXPECT_EQ(columns::to_text(built->rows.column(0).cell(0)), "2013-07-01T09:00:00Z");
  EXPECT_EQ(built->rows.column(1).int64s()[0], 5);
  EXPECT_EQ(columns::to_text(built->rows.column(2).cell(0)), "2013-07-01T04:00:00Z");
}

TEST_F(Datasets, extensions_decide_the_format) {
  EXPECT_EQ(format_of("a/b.CSV.gz").value(), FileFormat::Csv);
  EXPECT_EQ(format_of("adult.data").value(), FileFormat::Csv);
  EXPECT_EQ(format_of("x.parquet").value(), FileFormat::Parquet);
  EXPECT_EQ(format_of("x.ndjson").value(), FileFormat::JsonLines);
  EXPECT_EQ(format_of("x.xlsx").error().code(), ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace martlet::data
