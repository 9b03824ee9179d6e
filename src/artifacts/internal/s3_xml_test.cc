#include "artifacts/internal/s3_xml.h"

#include <gtest/gtest.h>

namespace martlet::artifacts {
namespace {

TEST(S3Xml, elements_text_and_entities_are_read) {
  const auto root = parse_xml(
      "\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!-- c --><a:List xmlns:a='http://s3/'><a:Key>x&amp;y"
      "&#x41;&#233;<!-- no -->z</a:Key>\n<Empty/><Key>2</Key><![CDATA[<raw>]]></a:List>\n");
  ASSERT_TRUE(root.has_value()) << root.error().message();
  EXPECT_EQ(root->name, "List");
  EXPECT_EQ(root->text, "\n<raw>");
  EXPECT_EQ(root->child_text("Key"), "x&yA\xC3\xA9z");
  EXPECT_EQ(root->children.size(), 3U);
  EXPECT_NE(root->child("Empty"), nullptr);
  EXPECT_EQ(root->child("Absent"), nullptr);
  EXPECT_EQ(root->child_text("Absent"), "");
}

TEST(S3Xml, what_is_not_well_formed_is_refused_wherever_it_is_cut) {
  const std::string whole = "<?xml version=\"1.0\"?><L a=\"1\"><K>a&lt;b</K><E/></L>";
  ASSERT_TRUE(parse_xml(whole).has_value());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(parse_xml(whole.substr(0, size)).error().code(), ErrorCode::Corrupt) << size;
  for (const char* text :
       {"text", "<a></b>", "<a></ab>", "<a b></a>", "<a b=c></a>", "<a>&unknown;</a>",
        "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&#1114112;</a>", "<a>&#;</a>", "<a>&#x;</a>",
        "<a/><b/>", "< a/>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><!DOCTYPE b></a>"})
    EXPECT_FALSE(parse_xml(text).has_value()) << text;
}

TEST(S3Xml, depth_and_number_of_elements_are_bounded) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  EXPECT_FALSE(parse_xml(deep).has_value());
  std::string many = "<r>";
  for (int i = 0; i < 200'001; ++i) many += "<a/>";
  EXPECT_FALSE(parse_xml(many + "</r>").has_value());
}

}  // namespace
}  // namespace martlet::artifacts
