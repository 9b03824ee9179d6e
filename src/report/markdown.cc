#include "report/markdown.h"

#include "report/escape.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::report {

namespace {

// A fence that no run of backticks in the text can close.
std::string fence_for(std::string_view text, std::size_t shortest) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(std::max(shortest, longest + 1), '`');
}

std::string markdown(const Cell& cell) {
  if (cell.kind == Cell::Kind::Badge) return "**" + escape_markdown(cell.text) + "**";
  return escape_markdown(cell.text);
}

std::string markdown(const Paragraph& paragraph) {
  return escape_markdown(paragraph.text) + "\n\n";
}

std::string markdown(const Note& note) {
  const std::string_view word = note.tone == Tone::Bad      ? "**Problem:** "
                                : note.tone == Tone::Unsure ? "**Note:** "
                                                            : "";
  return fmt::format("> {}{}\n\n", word, escape_markdown(note.text));
}

std::string row_of(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& cell : cells) text += " " + cell + " |";
  return text + "\n";
}

std::string markdown(const Facts& facts) {
  if (facts.rows.empty()) return "";
  std::string text = "| | |\n| --- | --- |\n";
  for (const auto& [name, value] : facts.rows)
    text += row_of({escape_markdown(name), markdown(value)});
  return text + "\n";
}

std::string markdown(const Table& table) {
  std::string text = table.caption.empty() ? "" : escape_markdown(table.caption) + "\n\n";
  std::vector<std::string> header;
  std::vector<std::string> rule;
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    header.push_back(escape_markdown(table.header[i]));
    const bool number =
        !table.rows.empty() &&
        std::all_of(table.rows.begin(), table.rows.end(), [&](const std::vector<Cell>& row) {
          return i < row.size() && row[i].kind == Cell::Kind::Number;
        });
    rule.emplace_back(number ? "---:" : "---");
  }
  text += row_of(header) + row_of(rule);
  for (const std::vector<Cell>& row : table.rows) {
    std::vector<std::string> cells;
    for (const Cell& cell : row) cells.push_back(markdown(cell));
    text += row_of(cells);
  }
  return text + "\n";
}

std::string markdown(const Code& code) {
  const std::string text = printable(code.text);
  const std::string fence = fence_for(text, 3);
  return fence + "\n" + text + (text.ends_with('\n') ? "" : "\n") + fence + "\n\n";
}

std::string markdown(const Tiles& tiles) {
  std::string text;
  for (const Tile& tile : tiles.tiles) {
    text +=
        fmt::format("- {}: **{}**{}{}\n", escape_markdown(tile.label), escape_markdown(tile.value),
                    tile.detail.empty() ? "" : " – ", escape_markdown(tile.detail));
  }
  return text + "\n";
}

std::string markdown(const Plots& group) {
  std::string text;
  for (const Plot& plot : group.plots) {
    text += "**" + escape_markdown(plot.title) + ".** " + escape_markdown(plot.about) + "\n\n" +
            markdown(plot.table);
  }
  return text;
}

std::string markdown(const Fold& fold) {
  std::string text = "**" + escape_markdown(fold.summary) + "**\n\n";
  std::visit([&](const auto& content) { text += markdown(content); }, fold.content);
  return text;
}

}  // namespace

std::string to_markdown(const Document& document) {
  std::string text = "# " + escape_markdown(document.title) + "\n\n";
  if (!document.subtitle.empty()) text += escape_markdown(document.subtitle) + "\n\n";
  for (std::size_t i = 0; i < document.badges.size(); ++i)
    text += markdown(document.badges[i]) + (i + 1 < document.badges.size() ? " · " : "\n\n");
  for (const Section& section : document.sections) {
    text += "## " + escape_markdown(section.title) + "\n\n";
    for (const Block& block : section.blocks)
      std::visit([&](const auto& content) { text += markdown(content); }, block);
  }
  if (!document.footer.empty()) text += "---\n\n" + escape_markdown(document.footer) + "\n";
  return text;
}

}  // namespace martlet::report
