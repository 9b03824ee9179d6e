// report/document.h: a document of headings, tables, notes and plots, from plain values: what a
// report says, whatever it is rendered to (html.h, markdown.h).
//
// Values without behaviour; thread-safe as any value is. All texts are plain: whoever renders them
// escapes them, so names and notes may hold anything.
#pragma once
#include "base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace martlet::report {

// What a colour stands for; always beside a word that says the same.
enum class Tone : std::uint8_t { Plain, Good, Bad, Unsure };

// One value in a table or a list of facts.
struct Cell {
  enum class Kind : std::uint8_t { Text, Number, Code, Badge };
  std::string text = {};
  Kind kind = Kind::Text;
  Tone tone = Tone::Plain;
  bool operator==(const Cell&) const = default;
};
Cell text_cell(std::string text);
Cell code_cell(std::string text);     // digests, ids, SQL: monospaced
Cell number_cell(double value);       // number_text()
Cell count_cell(std::int64_t count);  // "12,345"
Cell badge_cell(std::string text, Tone tone);
// "passed", "failed" or "unknown".
Cell passed_cell(const std::optional<bool>& passed);
// A JSON value as people read it: numbers as number_text, texts as they are, null as "–".
Cell json_cell(const Json& value);

// Four significant digits, thousands apart: "0.8312", "12,345.7", "1.2e-07"; "–" if not finite.
std::string number_text(double value);
std::string count_text(std::int64_t count);
std::string share_text(double share);       // "12.3 %"
std::string size_text(std::int64_t bytes);  // "12.3 MB"

struct Paragraph {
  std::string text = {};
};
// Something to be noticed: a warning, an error, a remark.
struct Note {
  Tone tone = Tone::Plain;
  std::string text = {};
};
struct Facts {
  std::vector<std::pair<std::string, Cell>> rows = {};
};
struct Table {
  std::vector<std::string> header = {};
  std::vector<std::vector<Cell>> rows = {};  // as long as the header
  std::string caption = {};
};
struct Code {
  std::string text = {};
};
// The few figures that matter most, large.
struct Tile {
  std::string label = {};
  std::string value = {};
  std::string detail = {};
  Tone tone = Tone::Plain;
};
struct Tiles {
  std::vector<Tile> tiles = {};
};
// A Vega-Lite view of 100 % width and fixed height (plots.h makes them), and the same figures for
// who can't see it.
struct Plot {
  std::string title = {};
  std::string about = {};  // what it shows and how to read it, one or two sentences
  Json spec = Json::object();
  int height = 280;  // pixels, of everything that is drawn
  Table table = {};
};
// Plots beside each other where there's room.
struct Plots {
  std::vector<Plot> plots = {};
};
// Shown when asked for.
struct Fold {
  std::string summary = {};
  std::variant<Table, Facts, Code> content = {};
};

using Block = std::variant<Paragraph, Note, Facts, Table, Code, Tiles, Plots, Fold>;

struct Section {
  std::string title = {};
  std::vector<Block> blocks = {};
};

struct Document {
  std::string title = {};
  std::string subtitle = {};
  std::vector<Cell> badges = {};  // of kind Badge, beside the title
  std::vector<Section> sections = {};
  std::string footer = {};
};

}  // namespace martlet::report
