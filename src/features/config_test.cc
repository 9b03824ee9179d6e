#include "features/config.h"

#include <gtest/gtest.h>

namespace martlet::features {
namespace {

FeatureConfig parse(const std::string& text, std::vector<Finding>& findings) {
  const auto yaml = Yaml::parse(text, "martlet.yaml");
  EXPECT_TRUE(yaml.has_value()) << yaml.error().message();
  return parse_features(*yaml, findings);
}

bool mentions(const std::vector<Finding>& findings, const std::string& rule,
              const std::string& text) {
  for (const Finding& finding : findings) {
    if (finding.rule == rule && to_text(finding).find(text) != std::string::npos) return true;
  }
  return false;
}

TEST(FeatureConfig, every_setting_is_read) {
  std::vector<Finding> findings;
  const FeatureConfig config = parse(R"yaml(
drop: [arr_time, arr_delay]
derive: {speed: "distance / nullif(minutes, 0)"}
columns:
  at: {parts: [hour, weekday], cyclic: true, known_at: seen}
  dest: {encode: hash, buckets: 8}
  wind: {clip: {quantiles: [0.01, 0.99]}, fill: median, scale: standard}
  gust: {clip: {range: [0, 100]}, fill: 7}
  word: {fill: "median"}
  code: {categorical: true, encode: one_hot}
lookups:
  then: {dataset: weather, key: origin, at: hour, known_at: loaded, features: [wind, sky], max_age: 3h}
  tail: {dataset: tails, key: {tailnum: tail, day: date}, at: day, features: late}
)yaml",
                                     findings);
  ASSERT_TRUE(findings.empty()) << to_text(findings.front());
  EXPECT_EQ(config.drop, (std::vector<std::string>{"arr_time", "arr_delay"}));
  EXPECT_EQ(config.derive[0].name, "speed");
  ASSERT_EQ(config.columns.size(), 6u);
  EXPECT_EQ(config.columns[0].parts, (std::vector<Part>{Part::Hour, Part::Weekday}));
  EXPECT_EQ(config.columns[0].cyclic, true);
  EXPECT_EQ(config.columns[0].known_at, "seen");
  EXPECT_EQ(config.columns[1].encode, Encoding::Hash);
  EXPECT_EQ(config.columns[1].buckets, 8);
  EXPECT_EQ(config.columns[2].clip, (Clip{ClipMethod::Quantiles, 0.01, 0.99}));
  EXPECT_EQ(config.columns[2].fill.method, FillMethod::Median);
  EXPECT_EQ(config.columns[2].scale, Scaling::Standard);
  EXPECT_EQ(config.columns[3].clip, (Clip{ClipMethod::Range, 0, 100}));
  EXPECT_EQ(config.columns[3].fill, (Fill{FillMethod::Value, "7"}));
  EXPECT_EQ(config.columns[4].fill, (Fill{FillMethod::Value, "median"}));  // quoted: a text
  EXPECT_TRUE(config.columns[5].categorical);
  EXPECT_EQ(config.lookups[0].keys, (std::vector<LookupKey>{{"origin", "origin"}}));
  EXPECT_EQ(config.lookups[0].max_age, Duration(std::chrono::hours(3)));
  EXPECT_EQ(config.lookups[1].keys, (std::vector<LookupKey>{{"tailnum", "tail"}, {"day", "date"}}));
  EXPECT_EQ(config.lookups[1].features, std::vector<std::string>{"late"});
}

TEST(FeatureConfig, an_absent_section_is_an_empty_one) {
  std::vector<Finding> findings;
  const FeatureConfig config = parse_features(Yaml(), findings);
  EXPECT_TRUE(findings.empty());
  EXPECT_TRUE(config.columns.empty());
}

TEST(FeatureConfig, all_problems_are_reported_at_once_with_the_nearest_known_name) {
  std::vector<Finding> findings;
  parse(R"yaml(
drops: [a]
derive: {empty: "", list: [1]}
columns:
  at: {parts: [hour, weekdy, hour]}
  both: {parts: [hour], encode: target}
  dest: {encode: hsh}
  few: {buckets: 9}
  many: {encode: hash, buckets: 1}
  wind: {clip: {quantiles: [0.9, 0.1]}}
  gust: {clip: {quantiles: [0.5, 2]}}
  clip: {clip: {}}
  word: {fill: [1]}
lookups:
  then: {dataset: weather, at: hour, features: [], max_age: soon}
)yaml",
        findings);
  EXPECT_TRUE(mentions(findings, "unknown_key", "did you mean \"drop\""));
  EXPECT_TRUE(mentions(findings, "wrong_type", "expression over the row"));
  EXPECT_TRUE(mentions(findings, "unknown_word", "did you mean \"weekday\""));
  EXPECT_TRUE(mentions(findings, "duplicate", "hour"));
  EXPECT_TRUE(mentions(findings, "contradiction", "encode or parts"));
  EXPECT_TRUE(mentions(findings, "unused", "buckets"));
  EXPECT_TRUE(mentions(findings, "out_of_range", "buckets"));
  EXPECT_TRUE(mentions(findings, "out_of_range", "below the second"));
  EXPECT_TRUE(mentions(findings, "out_of_range", "between 0 and 1"));
  EXPECT_TRUE(mentions(findings, "missing", "at least one column"));
  EXPECT_GE(findings.size(), 14u);
  for (const Finding& finding : findings) EXPECT_GT(finding.line, 0) << to_text(finding);
}

TEST(LookupConfig, json_gives_the_same_look_up_back) {
  LookupConfig lookup;
  lookup.name = "then";
  lookup.dataset = "weather";
  lookup.keys = {{"origin", "airport"}};
  lookup.at = "hour";
  lookup.features = {"wind"};
  lookup.max_age = std::chrono::hours(3);
  const auto back = LookupConfig::from_json(lookup.to_json());
  ASSERT_TRUE(back.has_value()) << back.error().message();
  EXPECT_EQ(back->to_json(), lookup.to_json());
  EXPECT_EQ(back->max_age, lookup.max_age);
  EXPECT_FALSE(LookupConfig::from_json(Json{{"name", "x"}}).has_value());
}

}  // namespace
}  // namespace martlet::features
