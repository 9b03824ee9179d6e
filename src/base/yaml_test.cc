#include "base/yaml.h"

#include <gtest/gtest.h>

namespace martlet {
namespace {

TEST(Yaml, every_problem_of_a_map_is_reported_at_its_place) {
  const Yaml root =
      Yaml::parse("name: [1]\nrate: 130%\nneme: x\nkind: leest\n", "martlet.yaml").value();
  std::vector<Finding> findings;
  YamlObject read(root, findings);
  (void)read.required_text("name");
  (void)read.share("rate");
  (void)read.one_of("kind", {"latest", "all", "none"});
  (void)read.required_text("question");
  read.finish();
  ASSERT_EQ(findings.size(), 5u);
  EXPECT_EQ(findings[0].rule, "wrong_type");
  EXPECT_EQ(findings[0].line, 1);
  EXPECT_EQ(findings[0].column, 7);
  EXPECT_NE(findings[2].message.find("did you mean \"latest\""), std::string::npos);
  EXPECT_EQ(findings[3].path, "question");
  EXPECT_EQ(to_text(findings[4]),
            "martlet.yaml:3:1: neme: unknown key \"neme\" (did you mean \"name\"?)");
}

TEST(Yaml, unsafe_or_ambiguous_documents_are_refused) {
  const std::string deep(200, '[');
  std::string dashes(100, '-');
  dashes += " 1";
  std::string indented;
  for (std::size_t i = 0; i < 100; ++i) indented += std::string(i, ' ') + "a:\n";
  for (const std::string& bad :
       {std::string("a: &x 1\nb: *x\n"), std::string("a: 1\na: 2\n"),
        std::string("a: !!python/object 1\n"), std::string("---\na: 1\n---\nb: 1\n"),
        std::string("a: [1\n"), deep, indented, std::string("a: \"\xff\"\n"),
        std::string("? [1, 2]\n: 3\n"), dashes}) {
    EXPECT_FALSE(Yaml::parse(bad, "x.yaml").has_value()) << bad.substr(0, 40);
  }
}

// yaml-cpp sees an empty document at a comma or a bracket that closes nothing, and another one
// behind it, and another, until memory is full (found by the fuzzer).
TEST(Yaml, what_follows_the_first_document_is_refused_where_it_begins) {
  for (const std::string& stray :
       {std::string(","), std::string(",: a: ==!int -1"), std::string("]"), std::string("}"),
        std::string("- [1]]"), std::string("---\na: 1\n---\nb: 1\n")}) {
    const auto read = Yaml::parse(stray, "x.yaml");
    ASSERT_FALSE(read.has_value()) << stray;
    ASSERT_EQ(read.error().findings().size(), 1u) << stray;
    EXPECT_GE(read.error().findings()[0].line, 1) << stray;
  }
  const auto two = Yaml::parse("---\na: 1\n---\nb: 1\n", "x.yaml");
  EXPECT_EQ(two.error().findings()[0].rule, "documents");
  EXPECT_EQ(two.error().findings()[0].line, 3);
  EXPECT_TRUE(Yaml::parse("---\na: 1\n...\n", "x.yaml").has_value());
}

TEST(Yaml, values_keep_what_quotes_meant) {
  const Yaml root = Yaml::parse("a: '7'\nb: 7\nc: null\nd: {e: [true, 1.5]}\n", "x.yaml").value();
  EXPECT_EQ(to_text(root.to_json()), R"({"a":"7","b":7,"c":null,"d":{"e":[true,1.5]}})");
  EXPECT_EQ(root.find("d")->find("e")->items()[1].path(), "d.e[1]");
  EXPECT_TRUE(Yaml::parse("", "x.yaml").value().is_null());
}

TEST(Yaml, brackets_inside_quotes_do_not_count_as_nesting) {
  const Yaml root =
      Yaml::parse("a: '" + std::string(200, '[') + "'\nb: \"it's {\"\n", "x.yaml").value();
  EXPECT_EQ(root.find("a")->scalar().size(), 200u);
}

}  // namespace
}  // namespace martlet
