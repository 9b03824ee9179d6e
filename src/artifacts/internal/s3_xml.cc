#include "artifacts/internal/s3_xml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace martlet::artifacts {
namespace {

constexpr std::size_t kMaxElements = 200'000;  // a page of a listing has some 10,000
constexpr std::size_t kMaxDepth = 32;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void append_utf8(std::string& text, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { text += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | (code >> 6));
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3F));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view bytes) : rest_(bytes), size_(bytes.size()) {}

  Result<XmlElement> parse() {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
    MARTLET_TRY(skip_misc());
    XmlElement root;
    MARTLET_TRY(element(root, 0));
    MARTLET_TRY(skip_misc());
    if (!rest_.empty()) return wrong("something follows the root element");
    return root;
  }

 private:
  tl::unexpected<Error> wrong(std::string_view why) const {
    return corrupt(
        fmt::format("the server's XML is broken at byte {}: {}", size_ - rest_.size(), why));
  }
  Result<void> skip_past(std::string_view end) {
    const std::size_t at = rest_.find(end);
    if (at == std::string_view::npos) return wrong(fmt::format("\"{}\" is missing", end));
    rest_.remove_prefix(at + end.size());
    return {};
  }
  void skip_space() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }
  // Outside the root: declaration, comments, white space.
  Result<void> skip_misc() {
    for (;;) {
      skip_space();
      if (rest_.starts_with("<?")) {
        MARTLET_TRY(skip_past("?>"));
      } else if (rest_.starts_with("<!--")) {
        MARTLET_TRY(skip_past("-->"));
      } else {
        return {};
      }
    }
  }

  Result<std::string> name() {
    std::size_t end = 0;
    while (end < rest_.size() && !is_space(rest_[end]) &&
           std::string_view("<>/=\"'&?!").find(rest_[end]) == std::string_view::npos)
      ++end;
    if (end == 0) return wrong("a name is missing");
    const std::string_view whole = rest_.substr(0, end);
    rest_.remove_prefix(end);
    const std::size_t colon = whole.rfind(':');
    return std::string(colon == std::string_view::npos ? whole : whole.substr(colon + 1));
  }

  // Up to and with '>'. True when the element is empty ("/>").
  Result<bool> attributes() {
    for (;;) {
      skip_space();
      if (rest_.starts_with("/>")) {
        rest_.remove_prefix(2);
        return true;
      }
      if (rest_.starts_with(">")) {
        rest_.remove_prefix(1);
        return false;
      }
      MARTLET_TRY(name());
      skip_space();
      if (!rest_.starts_with("=")) return wrong("an attribute has no value");
      rest_.remove_prefix(1);
      skip_space();
      if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\''))
        return wrong("an attribute's value has no quotes");
      const std::string quote(1, rest_.front());
      rest_.remove_prefix(1);
      MARTLET_TRY(skip_past(quote));
    }
  }

  Result<void> reference(std::string& text) {
    const std::size_t end = rest_.find(';');
    if (end == std::string_view::npos || end > 10) return wrong("an '&' without its ';'");
    const std::string_view body = rest_.substr(1, end - 1);
    if (body == "amp") {
      text += '&';
    } else if (body == "lt") {
      text += '<';
    } else if (body == "gt") {
      text += '>';
    } else if (body == "quot") {
      text += '"';
    } else if (body == "apos") {
      text += '\'';
    } else {
      MARTLET_TRY(number(body, text));
    }
    rest_.remove_prefix(end + 1);
    return {};
  }

  // "#10" or "#xA".
  Result<void> number(std::string_view body, std::string& text) const {
    const bool hexadecimal = body.starts_with("#x");
    if (!body.starts_with('#') || body.size() <= (hexadecimal ? 2U : 1U))
      return wrong("an unknown entity");
    std::uint32_t code = 0;
    for (const char c : body.substr(hexadecimal ? 2 : 1)) {
      std::uint32_t digit = 16;
      if (c >= '0' && c <= '9') digit = static_cast<std::uint32_t>(c - '0');
      if (hexadecimal && c >= 'a' && c <= 'f') digit = static_cast<std::uint32_t>(c - 'a') + 10;
      if (hexadecimal && c >= 'A' && c <= 'F') digit = static_cast<std::uint32_t>(c - 'A') + 10;
      if (digit == 16) return wrong("a character's number is broken");
      code = code * (hexadecimal ? 16 : 10) + digit;
      if (code > 0x10FFFF) return wrong("a character's number is too large");
    }
    if (code == 0 || (code >= 0xD800 && code < 0xE000)) return wrong("no character's number");
    append_utf8(text, code);
    return {};
  }

  Result<void> element(XmlElement& target, std::size_t depth) {
    if (depth > kMaxDepth) return wrong("elements are nested too deep");
    if (++elements_ > kMaxElements) return wrong("there are too many elements");
    if (!rest_.starts_with('<')) return wrong("an element is missing");
    rest_.remove_prefix(1);
    const std::string_view start = rest_;
    MARTLET_TRY_SET(target.name, name());
    const std::string_view whole = start.substr(0, start.size() - rest_.size());
    MARTLET_TRY_SET(const bool empty, attributes());
    if (empty) return {};
    MARTLET_TRY(content(target, depth));
    // Behind "</".
    if (!rest_.starts_with(whole)) return wrong("an element is closed by another name");
    rest_.remove_prefix(whole.size());
    skip_space();
    if (!rest_.starts_with('>')) return wrong("a closing tag isn't closed");
    rest_.remove_prefix(1);
    return {};
  }

  // Up to and with "</".
  Result<void> content(XmlElement& target, std::size_t depth) {
    for (;;) {
      if (rest_.empty()) return wrong("it ends within an element");
      if (rest_.starts_with("</")) {
        rest_.remove_prefix(2);
        return {};
      }
      if (rest_.starts_with("<!--")) {
        MARTLET_TRY(skip_past("-->"));
      } else if (rest_.starts_with("<![CDATA[")) {
        const std::size_t end = rest_.find("]]>");
        if (end == std::string_view::npos) return wrong("a CDATA section has no end");
        target.text += rest_.substr(9, end - 9);
        rest_.remove_prefix(end + 3);
      } else if (rest_.starts_with('<')) {
        MARTLET_TRY(element(target.children.emplace_back(), depth + 1));
      } else if (rest_.starts_with('&')) {
        MARTLET_TRY(reference(target.text));
      } else {
        const std::size_t end = std::min(rest_.find_first_of("<&"), rest_.size());
        target.text += rest_.substr(0, end);
        rest_.remove_prefix(end);
      }
    }
  }

  std::string_view rest_;
  std::size_t size_;
  std::size_t elements_ = 0;
};

}  // namespace

const XmlElement* XmlElement::child(std::string_view child_name) const {
  for (const XmlElement& each : children)
    if (each.name == child_name) return &each;
  return nullptr;
}

std::string_view XmlElement::child_text(std::string_view child_name) const {
  const XmlElement* found = child(child_name);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

Result<XmlElement> parse_xml(std::string_view bytes) { return Parser(bytes).parse(); }

}  // namespace martlet::artifacts
