#include "report/escape.h"

#include <gtest/gtest.h>

namespace martlet::report {
namespace {

TEST(Escape, markup_stays_text_in_html) {
  EXPECT_EQ(escape_html("<script>alert('x' & \"y\")</script>"),
            "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;");
}

TEST(Escape, invalid_text_is_replaced_and_never_dropped) {
  EXPECT_EQ(printable("a\xFF"
                      "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(printable("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");          // overlong
  EXPECT_EQ(printable("\xED\xA0\x80").find('\xED'), std::string::npos);  // a surrogate
  EXPECT_EQ(printable("\xF0\x9F\xA6\x85"), "\xF0\x9F\xA6\x85");
  EXPECT_EQ(printable("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // cut off
  EXPECT_EQ(printable(std::string_view("a\0b\x1B", 4)), "a\xEF\xBF\xBD"
                                                        "b\xEF\xBF\xBD");
  EXPECT_EQ(printable("a\n\tb"), "a\n\tb");
}

TEST(Escape, markup_stays_text_in_markdown) {
  EXPECT_EQ(escape_markdown("a|b\n<b>*c*</b> `d` [e](f)"),
            "a\\|b &lt;b&gt;\\*c\\*&lt;/b&gt; \\`d\\` \\[e\\](f)");
  EXPECT_EQ(escape_markdown("- no list"), "\\- no list");
  EXPECT_EQ(escape_markdown("1-2"), "1-2");
}

TEST(Escape, a_script_block_cannot_be_left) {
  const std::string json = escape_script_json(R"({"a":"</script><!--&"})");
  EXPECT_EQ(json.find_first_of("<>&"), std::string::npos);
  EXPECT_EQ(json, R"({"a":"\u003c/script\u003e\u003c!--\u0026"})");
}

}  // namespace
}  // namespace martlet::report
