#include "features/program.h"
#include "features/row_transform.h"

#include <gtest/gtest.h>

#include <cmath>

namespace martlet::features {
namespace {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::Schema;
using columns::Type;

const std::vector<std::string> kLetters = {"a", "b", "a", "c", "b", "a", "a", "c", "b", "a"};
const std::vector<double> kNumbers = {3.5, -1, 0.25, 8, 2, 2, 100, 7.75, -3, 1};

FitRequest letters() {
  FitRequest request;
  request.rows = Batch(Schema({{"letter", Type::Text}, {"x", Type::Double}, {"y", Type::Double}}),
                       {Column::of_texts(kLetters), Column::of_doubles(kNumbers),
                        Column::of_doubles(std::vector<double>(10, 0.0))});
  request.hidden = {"y"};
  for (std::uint32_t i = 0; i < 10; ++i) request.training_rows.push_back(i);
  request.target = {1, 0, 1, 0, 1, 0, 1, 1, 0, 0};
  return request;
}

void configure(FitRequest& request, const std::string& text) {
  const auto yaml = Yaml::parse(text, "martlet.yaml");
  ASSERT_TRUE(yaml.has_value()) << yaml.error().message();
  std::vector<Finding> findings;
  request.config = parse_features(*yaml, findings);
  ASSERT_TRUE(findings.empty()) << to_text(findings.front());
}

std::vector<double> column_of(const Matrix& matrix, const std::string& name) {
  for (std::size_t i = 0; i < matrix.width(); ++i) {
    if (matrix.columns[i].name != name) continue;
    std::vector<double> values;
    for (std::size_t row = 0; row < matrix.rows; ++row) values.push_back(matrix.row(row)[i]);
    return values;
  }
  ADD_FAILURE() << "no feature " << name;
  return std::vector<double>(matrix.rows);
}

Fitted fit(const FitRequest& request) {
  auto fitted = FeatureProgram::fit(request);
  if (!fitted.has_value()) {
    ADD_FAILURE() << fitted.error().message();
    std::abort();
  }
  return std::move(fitted).value();
}

TEST(FeatureProgram, trees_get_numbers_as_they_are_and_categories_as_codes) {
  const Fitted fitted = fit(letters());
  EXPECT_EQ(fitted.program.columns(),
            (std::vector<MatrixColumn>{{"letter", true, 3}, {"x", false, 0}}));
  EXPECT_EQ(column_of(fitted.training, "x"), kNumbers);
  // By frequency, then by name: a 5, b 3, c 2.
  EXPECT_EQ(column_of(fitted.training, "letter"),
            (std::vector<double>{0, 1, 0, 2, 1, 0, 0, 2, 1, 0}));
  EXPECT_EQ(fitted.program.describe()[0].origin, "code of letter among 3 categories");
}

TEST(FeatureProgram, unseen_and_missing_categories_are_missing_to_a_tree) {
  const Fitted fitted = fit(letters());
  const Batch rows(Schema({{"letter", Type::Text}, {"x", Type::Double}}),
                   {Column::of_texts(std::vector<std::string>{"z", "", "b"}, {1, 0, 1}),
                    Column::of_doubles({0, 0, 0})});
  const auto matrix = fitted.program.apply(rows, {});
  ASSERT_TRUE(matrix.has_value());
  const auto codes = column_of(*matrix, "letter");
  EXPECT_TRUE(std::isnan(codes[0]));
  EXPECT_TRUE(std::isnan(codes[1]));
  EXPECT_EQ(codes[2], 1);
}

// scikit-learn 1.9.1: StandardScaler().fit(x).transform(x)
TEST(FeatureProgram, linear_models_get_standardised_numbers_and_one_hot_categories) {
  FitRequest request = letters();
  request.family = Family::Linear;
  const Fitted fitted = fit(request);
  EXPECT_EQ(fitted.program.feature_names(),
            (std::vector<std::string>{"letter=a", "letter=b", "letter=c", "x"}));
  const auto scaled = column_of(fitted.training, "x");
  EXPECT_NEAR(scaled[0], -0.28981635519178883, 1e-14);
  EXPECT_NEAR(scaled[6], 2.981210343756471, 1e-14);
  EXPECT_NEAR(scaled[9], -0.3745579795168733, 1e-14);
  EXPECT_EQ(column_of(fitted.training, "letter=b"),
            (std::vector<double>{0, 1, 0, 0, 1, 0, 0, 0, 1, 0}));
}

// scikit-learn 1.9.1: TargetEncoder(smooth=10.0).fit(x, y).encodings_; sklearn's out-of-fold values
// use other folds, so those are recomputed here by their definition.
TEST(FeatureProgram, target_encoding_is_the_m_estimate_and_out_of_fold_in_training) {
  FitRequest request = letters();
  configure(request, "columns: {letter: {encode: target}}");
  const auto encode = [](const FeatureProgram& program, const std::string& feature) {
    const Batch rows(Schema({{"letter", Type::Text}, {"x", Type::Double}}),
                     {Column::of_texts({"a", "b", "c", "new"}), Column::of_doubles({0, 0, 0, 0})});
    return column_of(*program.apply(rows, {}), feature);
  };
  Fitted fitted = fit(request);
  auto values = encode(fitted.program, "letter.target");
  EXPECT_NEAR(values[0], 0.5333333333333333, 1e-15);
  EXPECT_NEAR(values[1], 0.46153846153846156, 1e-15);
  EXPECT_NEAR(values[2], 0.5, 1e-15);
  EXPECT_NEAR(values[3], 0.5, 1e-15);  // the prior
  EXPECT_NE(column_of(fitted.training, "letter.target")[0], values[0]);

  request.task = Task::Regression;
  request.target = {1.5, -2, 3, 0.25, 1, 7, 2, 9, -1, 4};
  values = encode(fit(request).program, "letter.target");
  EXPECT_NEAR(values[0], 2.816666666666667, 1e-14);
  EXPECT_NEAR(values[1], 1.75, 1e-14);
  EXPECT_NEAR(values[2], 2.8333333333333335, 1e-14);

  request.task = Task::Multiclass;
  request.target = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0};
  fitted = fit(request);
  EXPECT_NEAR(encode(fitted.program, "letter.target=0")[0], 0.4666666666666667, 1e-15);
  EXPECT_NEAR(encode(fitted.program, "letter.target=1")[1], 0.38461538461538464, 1e-15);
  EXPECT_NEAR(encode(fitted.program, "letter.target=2")[2], 0.25, 1e-15);
}

TEST(FeatureProgram, out_of_fold_values_leave_out_the_rows_own_stretch_of_time) {
  FitRequest request;
  std::vector<std::int64_t> times(10);
  for (std::size_t i = 0; i < 10; ++i)
    times[i] = static_cast<std::int64_t>(9 - i) * kMicrosPerDay;  // latest first
  request.rows = Batch(Schema({{"at", Type::Timestamp}, {"letter", Type::Text}}),
                       {Column::of_timestamps(times), Column::of_texts(kLetters)});
  for (std::uint32_t i = 0; i < 10; ++i) request.training_rows.push_back(i);
  request.target = {1, 0, 1, 0, 1, 0, 1, 1, 0, 0};
  request.decided_at.time = "at";
  configure(request, "columns: {letter: {encode: target}}");
  const auto values = column_of(fit(request).training, "letter.target");
  // Folds, by time: rows {9, 8}, {7, 6}, {5, 4}, {3, 2}, {1, 0}. Row 0 is an "a"; without rows 0
  // and 1: 4 "a" with 2 of them 1, prior 4/8.
  EXPECT_DOUBLE_EQ(values[0], (2 + 10 * 0.5) / (4 + 10));
  // Row 6 is an "a"; without rows 6 and 7: 4 "a" with 2, prior 3/8.
  EXPECT_DOUBLE_EQ(values[6], (2 + 10 * 0.375) / (4 + 10));
}

// numpy 2.4.6: quantile([…], 0.05) and 0.95, median.
TEST(FeatureProgram, clips_and_fills_are_learnt_on_training_rows_alone) {
  FitRequest request = letters();
  configure(request, "columns: {x: {clip: {quantiles: [0.05, 0.95]}, fill: median}}");
  request.rows = *request.rows.append(request.rows);
  request.target.insert(request.target.end(), 10, 0.0);
  const Fitted fitted = fit(request);
  const Batch rows(
      Schema({{"letter", Type::Text}, {"x", Type::Double}}),
      {Column::of_texts({"a", "a", "a"}), Column::of_doubles({-1000, 1000, std::nan("")})});
  const auto values = column_of(*fitted.program.apply(rows, {}), "x");
  EXPECT_DOUBLE_EQ(values[0], -2.1);
  EXPECT_DOUBLE_EQ(values[1], 58.5999999999999);
  EXPECT_DOUBLE_EQ(values[2], 2.0);
}

TEST(FeatureProgram, missing_numbers_get_an_indicator_for_linear_models) {
  FitRequest request = letters();
  request.family = Family::Linear;
  request.rows = request.rows.with(
      "x", Column::of_doubles({1, 2, 3, 0, 5, 6, 7, 8, 9, 10}, {1, 1, 1, 0, 1, 1, 1, 1, 1, 1}));
  const Fitted fitted = fit(request);
  const auto missing = column_of(fitted.training, "x.missing");
  EXPECT_EQ(missing[3], 1);
  EXPECT_EQ(missing[4], 0);
  for (const double value : fitted.training.values) EXPECT_TRUE(std::isfinite(value));
}

TEST(FeatureProgram, the_event_times_parts_are_local_and_by_default_hour_weekday_month) {
  FitRequest request = letters();
  // 2013-03-10 06:59 and 07:00 UTC: 01:59 and 03:00 in New York, over the clock change; a Sunday.
  const std::int64_t change = 1362898800 * kMicrosPerSecond;
  std::vector<std::int64_t> times(10, change);
  times[0] = change - 60 * kMicrosPerSecond;
  request.rows = request.rows.with("at", Column::of_timestamps(times));
  request.decided_at = {"", "at", *Zone::find("America/New_York")};
  const Fitted fitted = fit(request);
  EXPECT_EQ(column_of(fitted.training, "at.hour")[0], 1);
  EXPECT_EQ(column_of(fitted.training, "at.hour")[1], 3);
  EXPECT_EQ(column_of(fitted.training, "at.weekday")[0], 6);
  EXPECT_EQ(column_of(fitted.training, "at.month")[0], 3);
}

TEST(FeatureProgram, a_request_need_name_only_what_a_feature_depends_on) {
  FitRequest request = letters();
  request.rows = request.rows.with("key", Column::of_int64s({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
                     .with("base", Column::of_doubles(kNumbers))
                     .with("constant", Column::of_doubles(std::vector<double>(10, 5)));
  request.not_features = {"key"};
  configure(request, "drop: [base, letter]\nderive: {twice: base * 2}");
  const Fitted fitted = fit(request);
  EXPECT_EQ(fitted.program.input_schema().names(), (std::vector<std::string>{"x", "base"}));
  EXPECT_EQ(fitted.program.feature_names(), (std::vector<std::string>{"x", "twice"}));
  ASSERT_EQ(fitted.left_out.size(), 1u);
  EXPECT_EQ(fitted.left_out[0].column, "constant");
}

TEST(FeatureProgram, whole_numbers_serve_where_numbers_are_expected) {
  const Fitted fitted = fit(letters());
  const Batch rows(Schema({{"letter", Type::Text}, {"x", Type::Int64}}),
                   {Column::of_texts(std::vector<std::string>{"a"}), Column::of_int64s({7})});
  const auto matrix = fitted.program.apply(rows, {});
  ASSERT_TRUE(matrix.has_value());
  EXPECT_EQ(matrix->values, (std::vector<double>{0, 7}));
}

TEST(FeatureProgram, missing_columns_and_wrong_types_are_reported_at_once) {
  const Fitted fitted = fit(letters());
  const Batch rows(Schema({{"leter", Type::Text}, {"x", Type::Text}}),
                   {Column::of_texts(std::vector<std::string>{"a"}),
                    Column::of_texts(std::vector<std::string>{"1"})});
  const auto matrix = fitted.program.apply(rows, {});
  ASSERT_FALSE(matrix.has_value());
  EXPECT_EQ(matrix.error().code(), ErrorCode::InvalidArgument);
  ASSERT_EQ(matrix.error().findings().size(), 2u);
  EXPECT_EQ(matrix.error().findings()[0].rule, "missing_column");
  EXPECT_NE(matrix.error().findings()[0].message.find("did you mean \"leter\""), std::string::npos);
  EXPECT_EQ(matrix.error().findings()[1].rule, "wrong_type");
}

TEST(FeatureProgram, everything_wrong_with_a_configuration_is_reported_at_once) {
  FitRequest request = letters();
  configure(request, R"yaml(
derive: {leak: y + 1, broken: "x +", x: "1"}
lookups: {then: {dataset: d, key: letter, at: t, features: [f]}}
)yaml");
  const auto first = FeatureProgram::fit(request);
  ASSERT_FALSE(first.has_value());
  const std::string text = first.error().message();
  for (const char* part :
       {"made from the target", "derive.broken", "a column of that name", "no table was loaded"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;

  configure(request, R"yaml(
drop: [lettr]
columns:
  x: {parts: [hour]}
  lett: {encode: target}
  y: {encode: target}
)yaml");
  const auto second = FeatureProgram::fit(request);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().findings().size(), 3u) << second.error().message();
  EXPECT_EQ(second.error().findings()[1].file, "martlet.yaml");
  EXPECT_GT(second.error().findings()[1].line, 0);

  configure(request, "columns: {x: {parts: [hour]}, letter: {clip: {range: [0, 1]}}}");
  const auto third = FeatureProgram::fit(request);
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().findings().size(), 2u) << third.error().message();
}

TEST(FeatureProgram, normalising_that_is_not_stable_is_refused) {
  FitRequest request = letters();
  CleaningStep step;
  step.column = "letter";
  step.map = {{"a", "b"}, {"b", "a"}};
  request.cleaning = {step};
  const auto fitted = FeatureProgram::fit(request);
  ASSERT_FALSE(fitted.has_value());
  EXPECT_EQ(fitted.error().findings()[0].rule, "not_stable");
}

TEST(FeatureProgram, json_that_is_no_program_is_corrupt) {
  const Json good = fit(letters()).program.to_json();
  ASSERT_TRUE(FeatureProgram::from_json(good).has_value());
  std::vector<Json> bad(8, good);
  bad[0] = Json();
  bad[1]["version"] = 99;
  bad[2]["features"][0]["categories"] = 7;
  bad[3]["features"][1]["amounts"] = Json::array();
  bad[4]["features"][0]["column"] = "gone";
  bad[5]["inputs"][0]["type"] = "number";
  bad[6].erase("steps");
  bad[7]["zone"] = "Mars/Base";
  for (std::size_t i = 0; i < bad.size(); ++i) {
    const auto program = FeatureProgram::from_json(bad[i]);
    ASSERT_FALSE(program.has_value()) << i;
    EXPECT_EQ(program.error().code(), ErrorCode::Corrupt) << program.error().message();
  }
}

TEST(RowTransform, reports_every_wrong_cell_and_goes_on_with_the_next_row) {
  const Fitted fitted = fit(letters());
  auto transform = RowTransform::create(fitted.program, {});
  ASSERT_TRUE(transform.has_value());
  std::vector<double> out(2);
  const std::vector<Cell> wrong = {Cell::of_int64(1), Cell::of_text("x")};
  const auto failed = transform->apply(wrong, out);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().findings().size(), 2u);
  EXPECT_FALSE(transform->apply(std::vector<Cell>(1), out).has_value());
  const std::vector<Cell> right = {Cell::of_text("c"), Cell::of_double(4)};
  ASSERT_TRUE(transform->apply(right, out).has_value());
  EXPECT_EQ(out, (std::vector<double>{2, 4}));
}

TEST(RowTransform, says_what_each_look_up_found_as_of_the_request) {
  FitRequest request = letters();
  request.rows = request.rows.with("at", Column::of_timestamps(std::vector<std::int64_t>(10, 500)));
  request.decided_at.time = "at";
  configure(request, "lookups: {then: {dataset: d, key: letter, at: t, features: [f]}}");
  const Batch days(Schema({{"letter", Type::Text}, {"t", Type::Timestamp}, {"f", Type::Double}}),
                   {Column::of_texts({"a", "a"}), Column::of_timestamps({100, 400}),
                    Column::of_doubles({1, 2})});
  request.lookups["then"] =
      *LookupTable::build(request.config.lookups[0], days, "d@v3", Zone::utc());
  const Fitted fitted = fit(request);
  EXPECT_EQ(RowTransform::create(fitted.program, {}).error().code(), ErrorCode::NotFound);
  auto transform = RowTransform::create(fitted.program, request.lookups);
  ASSERT_TRUE(transform.has_value());
  ASSERT_EQ(fitted.program.input_schema().names(), (std::vector<std::string>{"letter", "x", "at"}));
  std::vector<double> out(fitted.program.columns().size());
  const std::vector<Cell> row = {Cell::of_text("a"), Cell::of_double(0), Cell::of_timestamp({450})};
  ASSERT_TRUE(transform->apply(row, out).has_value());
  EXPECT_EQ(out.back(), 2);
  EXPECT_EQ(transform->hits()[0].at.micros, 400);
  EXPECT_EQ(transform->hits()[0].version, "d@v3");
  ASSERT_TRUE(transform->apply(row, out, Timestamp{399}).has_value());
  EXPECT_EQ(out.back(), 1);
  ASSERT_TRUE(transform->apply(row, out, Timestamp{99}).has_value());
  EXPECT_FALSE(transform->hits()[0].found);
  EXPECT_TRUE(std::isnan(out.back()));
}

}  // namespace
}  // namespace martlet::features
