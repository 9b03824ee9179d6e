#include "data/expectation.h"

#include <gtest/gtest.h>

namespace martlet::data {
namespace {

using columns::Batch;
using columns::Column;
using columns::Schema;
using columns::Type;

std::vector<Expectation> parse(std::string_view yaml, std::vector<Finding>* findings = nullptr) {
  auto node = Yaml::parse(yaml, "martlet.yaml");
  EXPECT_TRUE(node.has_value()) << (node.has_value() ? "" : node.error().message());
  std::vector<Finding> found;
  auto expectations = parse_expectations(*node, found);
  if (findings != nullptr) {
    *findings = found;
  } else {
    for (const auto& finding : found) ADD_FAILURE() << to_text(finding);
  }
  return expectations;
}

Batch flights() {
  return Batch(Schema({{"id", Type::Int64},
                       {"origin", Type::Text},
                       {"distance", Type::Double},
                       {"at", Type::Timestamp}}),
               {Column::of_int64s({1, 2, 2, 0, 0}, {1, 1, 1, 0, 0}),
                Column::of_texts({"JFK", "LGA", "XX", "", "EWR"}, {1, 1, 1, 0, 1}),
                Column::of_doubles({0, 1, 6000, 6000.5, 0}, {1, 1, 1, 1, 0}),
                Column::of_timestamps({0, kMicrosPerDay, 0, 0, 0})});
}

ExpectationResult judge(std::string_view yaml, const Batch& batch = flights(),
                        const ValidationContext& context = {}) {
  const auto results = validate(batch, parse(yaml), context);
  if (!results.has_value()) {
    ADD_FAILURE() << results.error().message();
    return {};
  }
  return results->front();
}

TEST(Expectations, one_entry_may_hold_several) {
  const auto e =
      parse("- {column: id, unique: true, nulls: 0}\n- {rows: '>= 1000', on_fail: warn}\n"
            "- {columns: [a, b], between: [1, null]}\n- {columns: [a, b], unique: true}");
  ASSERT_EQ(e.size(), 6U);
  EXPECT_EQ(describe(e[0]), "id unique");
  EXPECT_EQ(describe(e[1]), "id: at most 0 missing");
  EXPECT_EQ(describe(e[2]), "rows >= 1000");
  EXPECT_EQ(e[2].severity, Severity::Warn);
  EXPECT_EQ(describe(e[4]), "b >= 1");
  EXPECT_EQ(describe(e[5]), "a, b unique");
}

TEST(Expectations, every_mistake_is_found_at_once) {
  std::vector<Finding> findings;
  parse(R"(
- {colum: id, unique: true}
- {column: id, nulls: few}
- {column: id, between: 3}
- {column: id, pattern: "("}
- {column: id, type: intger}
- {rows: many}
- {rows: ">= 1", on_fail: quarantine}
- {fresh: {column: at}}
- {column: id}
- {drift: {against: first}}
- {column: id, in: [1], on_fail: wran}
)",
        &findings);
  std::string all;
  for (const auto& finding : findings) all += to_text(finding) + "\n";
  for (const char* part :
       {"unknown key \"colum\"", "a count such as 0", "expected two bounds", "martlet.yaml:5",
        "did you mean \"integer\"", "\">= 1000\"", "no rows to set aside", "such as 2d",
        "nothing is expected", "previous", "did you mean \"warn\""}) {
    EXPECT_NE(all.find(part), std::string::npos) << part << " in\n" << all;
  }
}

TEST(Expectations, missing_values_break_nulls_alone) {
  const auto nulls = judge("- {column: id, nulls: 1}");
  EXPECT_EQ(nulls.passed, false);
  EXPECT_EQ(nulls.failed_rows, 2);
  EXPECT_DOUBLE_EQ(nulls.share, 0.4);
  EXPECT_EQ(judge("- {column: id, nulls: 2}").passed, true);
  EXPECT_EQ(judge("- {column: id, nulls: 40%}").passed, true);
  EXPECT_EQ(judge("- {column: id, nulls: 0.39}").passed, false);
  const auto between = judge("- {column: distance, between: [1, 6000]}");
  EXPECT_EQ(between.rows, (std::vector<std::uint32_t>{0, 3}));
  EXPECT_EQ(to_text(between.examples), R"([{"row":0,"value":0.0},{"row":3,"value":6000.5}])");
  const auto in = judge("- {column: origin, in: [JFK, LGA, EWR]}");
  EXPECT_EQ(in.rows, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(judge("- {column: origin, pattern: '[A-Z]{3}'}").rows, (std::vector<std::uint32_t>{2}));
  const auto unique = judge("- {column: id, unique: true}");
  EXPECT_EQ(unique.rows, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(judge("- {columns: [id, origin], unique: true}").passed, true);
  EXPECT_EQ(judge("- {column: id, in: [1, 2]}").passed, true);
}

TEST(Expectations, bounds_of_times_are_times) {
  EXPECT_EQ(judge("- {column: at, between: [null, '1970-01-01T12:00:00Z']}").rows,
            (std::vector<std::uint32_t>{1}));
}

TEST(Expectations, checks_of_the_whole_table) {
  EXPECT_EQ(judge("- {rows: '>= 5'}").passed, true);
  EXPECT_EQ(judge("- {rows: '< 5'}").passed, false);
  EXPECT_EQ(judge("- {rows: '> 5'}").note, "there are 5 rows");
  const Timestamp now{3 * kMicrosPerDay};
  EXPECT_EQ(judge("- {fresh: {column: at, within: 2d}}", flights(), {.now = now}).passed, true);
  const auto stale =
      judge("- {fresh: {column: at, within: 1d}, on_fail: warn}", flights(), {.now = now});
  EXPECT_EQ(stale.passed, false);
  EXPECT_EQ(stale.note, "the newest value is 1970-01-02T00:00:00Z, now it is 1970-01-04T00:00:00Z");
  EXPECT_FALSE(judge("- {fresh: {column: at, within: 1d}}").passed.has_value())
      << "without a clock it is unknown";
  const auto drift = judge("- {drift: {against: previous, max_psi: 0.25}, on_fail: warn}");
  EXPECT_FALSE(drift.passed.has_value());
  EXPECT_FALSE(drift.note.empty());
}

TEST(Expectations, types_name_the_values_that_do_not_fit) {
  const Batch batch(Schema({{"n", Type::Text}, {"d", Type::Double}}),
                    {Column::of_texts({"1", "x"}), Column::of_doubles({1, 2})});
  EXPECT_EQ(judge("- {column: n, type: integer}", batch).rows, (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(judge("- {column: d, type: number}", batch).passed, true);
  EXPECT_EQ(judge("- {column: d, type: integer}", batch).note, "the column is of type number");
}

TEST(Expectations, unknown_columns_and_bounds_of_another_type_are_all_named) {
  const auto results =
      validate(flights(),
               parse("- {column: ids, unique: true}\n- {column: distance, between: [near, far]}\n"
                     "- {fresh: {column: origin, within: 1d}}"),
               {.now = Timestamp{0}});
  ASSERT_FALSE(results.has_value());
  EXPECT_EQ(results.error().findings().size(), 4U);
  EXPECT_NE(results.error().message().find("did you mean \"id\""), std::string::npos);
}

TEST(Expectations, only_severity_fail_stops) {
  auto results = validate(flights(),
                          parse("- {column: id, unique: true, on_fail: warn}\n- {column: distance, "
                                "between: [1, 6], on_fail: quarantine}"),
                          {});
  EXPECT_TRUE(all_passed(*results));
  results = validate(flights(), parse("- {column: id, unique: true}"), {});
  EXPECT_FALSE(all_passed(*results));
  EXPECT_EQ(
      to_text(to_json(results->front())),
      R"({"expectation":"id unique","column":"id","passed":false,"severity":"fail","inferred":false,"failed_rows":1,"share":0.2,"examples":[{"row":2,"value":2}],"note":""})");
}

TEST(Expectations, what_is_inferred_holds_for_the_table_it_came_from) {
  std::vector<std::string> origins;
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 60; ++i) {
    origins.push_back(i % 2 == 0 ? "JFK" : "LGA");
    ids.push_back(i);
  }
  const Batch good(Schema({{"id", Type::Int64}, {"origin", Type::Text}}),
                   {Column::of_int64s(ids), Column::of_texts(origins)});
  const std::vector<std::string> key{"id"};
  const auto inferred = infer_expectations(good, key);
  const auto results = validate(good, inferred, {});
  for (const auto& result : *results) EXPECT_EQ(result.passed, true) << result.expectation;
  origins[3] = "ZZZ";
  ids[5] = 4;
  const Batch bad(Schema({{"id", Type::Int64}, {"origin", Type::Text}}),
                  {Column::of_int64s(ids), Column::of_texts(origins)});
  std::vector<std::string> broken;
  const auto judged = validate(bad, inferred, {});
  for (const auto& result : *judged) {
    if (result.passed == false) broken.push_back(result.expectation);
  }
  EXPECT_EQ(broken, (std::vector<std::string>{"id unique", "origin in [JFK, LGA]"}));
}

}  // namespace
}  // namespace martlet::data
