#include "report/html.h"
#include "report/markdown.h"
#include "report/plots.h"

#include <gtest/gtest.h>

namespace martlet::report {
namespace {

constexpr const char* kHostile = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";

Plot plot(const std::string& name) {
  CurvePlot request{name, name, {name}, {name}};
  request.series = {{name, {{0, 0, kNone, kNone, name}, {1, 1}}, Series::Look::Line, 0}};
  request.marks = {{0.5, name, name, Tone::Bad}};
  return curve_plot(request);
}

// Every place of a document that holds a text, with this text.
Document everywhere(const std::string& text) {
  Document document{text, text, {badge_cell(text, Tone::Bad)}, {}, text};
  const Table table{{text, text}, {{text_cell(text), badge_cell(text, Tone::Good)}}, text};
  BarPlot bars{text, text, {text}, text, {{text, 1, 0, 2, Tone::Plain, text}}};
  HistogramPlot histogram{text, text, {text}, text, {0, 1, 2}, {{text, {1, 2}, 0}}};
  document.sections.push_back(
      {text,
       {Paragraph{text}, Note{Tone::Bad, text}, Facts{{{text, code_cell(text)}}}, table, Code{text},
        Tiles{{{text, text, text, Tone::Good}}},
        Plots{{plot(text), bar_plot(bars), histogram_plot(histogram)}}, Fold{text, table},
        Fold{text, Code{text}}, Fold{text, Facts{{{text, text_cell(text)}}}}}});
  return document;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

TEST(Html, hostile_texts_stay_text_wherever_they_stand) {
  const std::string page = to_html(everywhere(kHostile));
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  // The plots' data and the page's own script, no third. That script has markup of its own.
  const std::string begin = page.substr(0, page.find("<script>"));
  const std::string end = page.substr(page.rfind("</script>"));
  EXPECT_EQ(begin.find("<img"), std::string::npos);
  EXPECT_EQ(end.find("<img"), std::string::npos);
  EXPECT_EQ(count(begin, "<script"), 1U);
}

TEST(Html, the_policy_names_script_and_style_by_digest_and_allows_no_eval) {
  const std::string page = to_html(everywhere("a"));
  const std::size_t at = page.find("Content-Security-Policy");
  const std::string policy = page.substr(at, page.find('>', at) - at);
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(policy.find("script-src 'sha256-"), std::string::npos);
  EXPECT_NE(policy.find("style-src 'sha256-"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST(Html, a_page_without_plots_runs_nothing) {
  const std::string page = to_html({"t", "", {}, {}, ""});
  EXPECT_NE(page.find("script-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
}

TEST(Html, the_same_document_gives_the_same_bytes) {
  EXPECT_EQ(to_html(everywhere("é🦅")), to_html(everywhere("é🦅")));
}

TEST(Html, nothing_is_linked_and_no_address_is_loaded) {
  std::string page = to_html(everywhere("a"));
  page.resize(page.find("<script>"));  // the libraries mention addresses in their texts
  EXPECT_EQ(page.find("http://"), std::string::npos);
  EXPECT_EQ(page.find("https://"), std::string::npos);
  EXPECT_EQ(page.find("src="), std::string::npos);
}

TEST(Html, every_plot_has_room_and_a_table) {
  const std::string page = to_html(everywhere("a"));
  EXPECT_EQ(count(page, "<figure>"), 3U);
  EXPECT_EQ(count(page, "<details><summary>Figures</summary>"), 3U);
  EXPECT_NE(page.find(".h300{height:300px}"), std::string::npos);
}

TEST(Html, libraries_come_with_their_licences) {
  const std::string page = to_html(everywhere("a"));
  EXPECT_EQ(count(page, "University of Washington Interactive Data Lab"), 3U);
  EXPECT_EQ(page.find("sourceMappingURL="), std::string::npos);
}

TEST(Markdown, hostile_texts_stay_text) {
  const std::string text = to_markdown(everywhere(kHostile));
  // Code blocks hold it as it is; everywhere else it's escaped.
  EXPECT_EQ(count(text, "<script>"), 2U);
  EXPECT_EQ(count(text, "```\n" + std::string(kHostile) + "\n```\n"), 2U);
}

TEST(Markdown, a_fence_is_longer_than_what_it_holds) {
  Document document{"t", "", {}, {{"s", {Code{"a\n```\nb"}}}}, ""};
  EXPECT_NE(to_markdown(document).find("````\na\n```\nb\n````\n"), std::string::npos);
}

}  // namespace
}  // namespace martlet::report
