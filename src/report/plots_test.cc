#include "report/plots.h"

#include <gtest/gtest.h>

namespace martlet::report {
namespace {

// Every text that is a value of the key `key` anywhere in the view.
void gather(const Json& json, const std::string& key, std::vector<std::string>& found) {
  if (json.is_object()) {
    for (const auto& [name, inner] : json.items()) {
      if (name == key && inner.is_string()) found.push_back(inner.get<std::string>());
      if (name != "values") gather(inner, key, found);
    }
  } else if (json.is_array()) {
    for (const Json& inner : json) gather(inner, key, found);
  }
}

TEST(Plots, names_become_data_and_never_fields_or_expressions) {
  const std::string hostile = "datum.x + alert(1)";
  CurvePlot curve{"t", "", {"x"}, {"y"}};
  curve.series = {{hostile, {{0, 0, 0, 1, hostile}}, Series::Look::Dots, 0},
                  {"b", {{1, 1}}, Series::Look::Line, 1}};
  curve.marks = {{0, hostile, hostile, Tone::Bad}};
  BarPlot bars{"t", "", {"v"}, "n", {{hostile, 1, kNone, kNone, Tone::Plain, hostile}}};
  HistogramPlot histogram{"t", "", {"x"}, "rows", {0, 1}, {{hostile, {3}, 0}}};
  for (const Plot& plot : {curve_plot(curve), bar_plot(bars), histogram_plot(histogram)}) {
    for (const char* key :
         {"field", "expr", "calculate", "filter", "signal", "test", "href", "url"}) {
      std::vector<std::string> found;
      gather(plot.spec, key, found);
      for (const std::string& text : found) EXPECT_NE(text, hostile) << key;
    }
    std::vector<std::string> expressions;
    for (const char* key : {"expr", "calculate", "filter", "signal", "href", "url"})
      gather(plot.spec, key, expressions);
    EXPECT_TRUE(expressions.empty());
  }
}

TEST(Plots, the_table_holds_few_rows_and_both_ends) {
  CurvePlot request{"t", "", {"x"}, {"y"}};
  Series series{"s", {}, Series::Look::Line, 0};
  for (int i = 0; i < 400; ++i) series.points.push_back({i * 1.0, i * 2.0});
  request.series = {series};
  const Plot plot = curve_plot(request);
  ASSERT_LE(plot.table.rows.size(), 12U);
  EXPECT_EQ(plot.table.rows.front()[0].text, "0");
  EXPECT_EQ(plot.table.rows.back()[0].text, "399");
}

TEST(Plots, an_unknown_value_is_a_gap) {
  CurvePlot request{"t", "", {"x"}, {"y"}};
  request.series = {{"s", {{0, kNone}, {1, 1}}, Series::Look::Line, 0}};
  const std::string spec = to_text(curve_plot(request).spec);
  EXPECT_NE(spec.find(R"({"x":0.0,"y":null,"series":"s"})"), std::string::npos);
}

TEST(Plots, bars_of_one_name_stay_apart) {
  BarPlot request{"t", "", {"v"}, "n", {{"a", 1}, {"a", 2}}};
  const Plot plot = bar_plot(request);
  EXPECT_EQ(plot.table.rows.size(), 2U);
  EXPECT_EQ(plot.spec["data"]["values"].size(), 2U);
  EXPECT_NE(plot.spec["data"]["values"][0]["place"], plot.spec["data"]["values"][1]["place"]);
}

TEST(Plots, many_bins_are_added_up_for_the_table) {
  HistogramPlot request{"t", "", {"x"}, "rows", {}, {{"", {}, 0}}};
  for (int i = 0; i <= 100; ++i) request.edges.push_back(i);
  request.counts[0].counts.assign(100, 1);
  const Plot plot = histogram_plot(request);
  EXPECT_LE(plot.table.rows.size(), 24U);
  double sum = 0;
  for (const auto& row : plot.table.rows) sum += std::stod(row[2].text);
  EXPECT_EQ(sum, 100);
}

TEST(Plots, nothing_to_draw_is_no_failure) {
  EXPECT_TRUE(curve_plot({}).table.rows.empty());
  EXPECT_TRUE(bar_plot({}).table.rows.empty());
  EXPECT_TRUE(histogram_plot({}).table.rows.empty());
}

}  // namespace
}  // namespace martlet::report
