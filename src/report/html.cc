#include "report/html.h"

#include "base/digest.h"
#include "report/escape.h"
#include "report/internal/assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace martlet::report {

namespace {

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16U;
    if (i + 1 < bytes.size()) group |= static_cast<std::uint32_t>(bytes[i + 1]) << 8U;
    if (i + 2 < bytes.size()) group |= bytes[i + 2];
    for (std::size_t digit = 0; digit < 4; ++digit) {
      const bool padding = i + digit > bytes.size();
      text += padding ? '=' : kDigits[(group >> (18U - 6U * digit)) & 63U];
    }
  }
  return text;
}

// How a content security policy names an inline script or style.
std::string source_of(std::string_view text) {
  return "'sha256-" + base64(digest_of(text).bytes()) + "'";
}

std::string_view class_of(Tone tone) {
  switch (tone) {
    case Tone::Good: return "good";
    case Tone::Bad: return "bad";
    case Tone::Unsure: return "unsure";
    case Tone::Plain: break;
  }
  return "plain";
}

class Page {
 public:
  std::string render(const Document& document) {
    std::string body = header_of(document) + contents_of(document) + "<main>\n";
    for (std::size_t i = 0; i < document.sections.size(); ++i) {
      const Section& section = document.sections[i];
      body += fmt::format(
          "<section id=\"section-{}\" aria-labelledby=\"title-{}\">\n<h2 id=\"title-{}\">{}</h2>\n",
          i + 1, i + 1, i + 1, escape_html(section.title));
      for (const Block& block : section.blocks)
        std::visit([&](const auto& content) { body += html(content); }, block);
      body += "</section>\n";
    }
    body += "</main>\n<footer>" + escape_html(document.footer) + "</footer>\n";
    return page(document, body);
  }

 private:
  std::string page(const Document& document, const std::string& body) {
    std::string style(internal::kStyle);
    for (const int height : heights_) style += fmt::format(".h{}{{height:{}px}}\n", height, height);
    std::string script;
    if (!plots_.empty()) {
      for (const auto& [licence, text] :
           {std::pair(internal::kVegaLicence, internal::kVega),
            std::pair(internal::kVegaLiteLicence, internal::kVegaLite),
            std::pair(internal::kVegaEmbedLicence, internal::kVegaEmbed)}) {
        script += fmt::format("/*!\n{}\n*/\n", licence);
        // The maps of minified files aren't here to be fetched.
        const std::size_t map = text.rfind("//# sourceMappingURL=");
        script += std::string(text.substr(0, map)) + "\n";
      }
      script += internal::kPageScript;
    }
    std::string policy = "default-src 'none'; style-src " + source_of(style) +
                         "; img-src data:; base-uri 'none'; form-action 'none'";
    policy += "; script-src " + (script.empty() ? "'none'" : source_of(script));
    std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    page += "<meta http-equiv=\"Content-Security-Policy\" content=\"" + policy + "\">\n";
    page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    page += "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
            "content=\"no-referrer\">\n";
    page += "<meta name=\"generator\" content=\"martlet\">\n<link rel=\"icon\" href=\"data:,\">\n";
    page += "<title>" + escape_html(document.title) + "</title>\n<style>" + style +
            "</style>\n</head>\n<body>\n" + body;
    if (!script.empty()) {
      page += "<script type=\"application/json\" id=\"plots\">" +
              escape_script_json(to_text(plots_)) + "</script>\n";
      page += "<script>" + script + "</script>\n";
    }
    return page + "</body>\n</html>\n";
  }

  std::string header_of(const Document& document) {
    std::string text = "<header>\n<h1>" + escape_html(document.title) + "</h1>\n";
    if (!document.subtitle.empty())
      text += "<p class=\"subtitle\">" + escape_html(document.subtitle) + "</p>\n";
    if (!document.badges.empty()) {
      text += "<p class=\"badges\">";
      for (const Cell& badge : document.badges) text += html(badge) + " ";
      text += "</p>\n";
    }
    return text + "</header>\n";
  }

  static std::string contents_of(const Document& document) {
    if (document.sections.size() < 3) return "";
    std::string text = "<nav aria-label=\"Contents\"><ol>\n";
    for (std::size_t i = 0; i < document.sections.size(); ++i)
      text += fmt::format("<li><a href=\"#section-{}\">{}</a></li>\n", i + 1,
                          escape_html(document.sections[i].title));
    return text + "</ol></nav>\n";
  }

  static std::string html(const Cell& cell) {
    const std::string text = escape_html(cell.text);
    if (cell.kind == Cell::Kind::Badge)
      return fmt::format("<span class=\"badge {}\">{}</span>", class_of(cell.tone), text);
    if (cell.kind == Cell::Kind::Code) return "<code>" + text + "</code>";
    if (cell.tone != Tone::Plain)
      return fmt::format("<span class=\"{}\">{}</span>", class_of(cell.tone), text);
    return text;
  }

  static std::string html(const Paragraph& paragraph) {
    return "<p>" + escape_html(paragraph.text) + "</p>\n";
  }

  static std::string html(const Note& note) {
    return fmt::format("<p class=\"note {}\">{}</p>\n", class_of(note.tone),
                       escape_html(note.text));
  }

  static std::string html(const Facts& facts) {
    std::string text = "<dl>\n";
    for (const auto& [name, value] : facts.rows)
      text += "<div><dt>" + escape_html(name) + "</dt><dd>" + html(value) + "</dd></div>\n";
    return text + "</dl>\n";
  }

  static std::string html(const Table& table) {
    // A column of numbers is aligned as one, its header included.
    std::vector<bool> numbers(table.header.size(), !table.rows.empty());
    for (const std::vector<Cell>& row : table.rows) {
      for (std::size_t i = 0; i < numbers.size() && i < row.size(); ++i)
        numbers[i] = numbers[i] && row[i].kind == Cell::Kind::Number;
    }
    const auto cell = [&](const char* tag, std::size_t column, const std::string& text) {
      const std::string_view scope = std::string_view(tag) == "th" ? " scope=\"col\"" : "";
      return fmt::format("<{}{}{}>{}</{}>", tag, scope,
                         column < numbers.size() && numbers[column] ? " class=\"number\"" : "",
                         text, tag);
    };
    std::string text = "<div class=\"scroll\"><table>\n";
    if (!table.caption.empty()) text += "<caption>" + escape_html(table.caption) + "</caption>\n";
    text += "<thead><tr>";
    for (std::size_t i = 0; i < table.header.size(); ++i)
      text += cell("th", i, escape_html(table.header[i]));
    text += "</tr></thead>\n<tbody>\n";
    for (const std::vector<Cell>& row : table.rows) {
      text += "<tr>";
      for (std::size_t i = 0; i < row.size(); ++i) text += cell("td", i, html(row[i]));
      text += "</tr>\n";
    }
    return text + "</tbody></table></div>\n";
  }

  static std::string html(const Code& code) {
    return "<pre><code>" + escape_html(code.text) + "</code></pre>\n";
  }

  static std::string html(const Tiles& tiles) {
    std::string text = "<div class=\"tiles\">\n";
    for (const Tile& tile : tiles.tiles) {
      text += fmt::format("<div class=\"tile {}\"><div class=\"label\">{}</div><div "
                          "class=\"value\">{}</div><div class=\"detail\">{}</div></div>\n",
                          class_of(tile.tone), escape_html(tile.label), escape_html(tile.value),
                          escape_html(tile.detail));
    }
    return text + "</div>\n";
  }

  std::string html(const Plots& group) {
    std::string text = group.plots.size() > 1 ? "<div class=\"plots\">\n" : "";
    for (const Plot& plot : group.plots) text += html(plot);
    return text + (group.plots.size() > 1 ? "</div>\n" : "");
  }

  std::string html(const Plot& plot) {
    plots_.push_back(plot.spec);
    plots_.back()["description"] = plot.title;  // what the drawing is called to who can't see it
    heights_.insert(plot.height);
    const std::string title = escape_html(plot.title);
    std::string text = "<figure>\n<figcaption><strong>" + title + "</strong>";
    if (!plot.about.empty()) text += " <span>" + escape_html(plot.about) + "</span>";
    text += fmt::format(
        "</figcaption>\n<div class=\"plot h{}\" id=\"plot-{}\" role=\"img\" aria-label=\"{}\">"
        "<p class=\"unscripted\">Drawn with JavaScript; its figures are in the table "
        "below.</p></div>\n",
        plot.height, plots_.size(), title);
    return text + "<details><summary>Figures</summary>\n" + html(plot.table) +
           "</details>\n</figure>\n";
  }

  static std::string html(const Fold& fold) {
    std::string text =
        "<details class=\"fold\"><summary>" + escape_html(fold.summary) + "</summary>\n";
    std::visit([&](const auto& content) { text += html(content); }, fold.content);
    return text + "</details>\n";
  }

  Json plots_ = Json::array();
  std::set<int> heights_;
};

}  // namespace

std::string to_html(const Document& document) { return Page().render(document); }

}  // namespace martlet::report
