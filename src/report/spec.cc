#include "report/internal/spec.h"

#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace martlet::report::internal {

namespace {

constexpr std::size_t kFewMarks = 3;  // that can be labelled without covering each other

}  // namespace

std::string colour_of(std::size_t colour) {
  return fmt::format("var(--s{})", colour % kColours + 1);
}

std::string colour_of(Tone tone) {
  switch (tone) {
    case Tone::Good: return "var(--good)";
    case Tone::Bad: return "var(--bad)";
    case Tone::Unsure: return "var(--unsure)";
    case Tone::Plain: break;
  }
  return "var(--s1)";
}

Json axis_encoding(const char* field, const Axis& axis) {
  Json scale{{"zero", axis.from_zero}, {"nice", !axis.low.has_value() && !axis.high.has_value()}};
  if (axis.low.has_value() && axis.high.has_value()) {
    scale = Json{{"domain", {*axis.low, *axis.high}}, {"nice", false}};
  } else if (axis.low.has_value()) {
    scale["domainMin"] = *axis.low;
  } else if (axis.high.has_value()) {
    scale["domainMax"] = *axis.high;
  }
  Json encoding{{"field", field}, {"type", "quantitative"}, {"title", axis.title}};
  if (axis.kind == Axis::Kind::Time) {
    scale = Json{{"type", "utc"}};
    encoding["type"] = "temporal";
    encoding["axis"] = Json{{"labelOverlap", true}};
  }
  if (axis.kind == Axis::Kind::Share) encoding["axis"] = Json{{"format", ".0%"}, {"tickCount", 5}};
  encoding["scale"] = std::move(scale);
  return encoding;
}

Json series_colours(const std::vector<std::string>& names,
                    const std::vector<std::size_t>& colours) {
  Json range = Json::array();
  for (const std::size_t colour : colours) range.push_back(colour_of(colour));
  Json encoding{{"field", "series"},
                {"type", "nominal"},
                {"title", nullptr},
                {"scale", Json{{"domain", names}, {"range", std::move(range)}}}};
  if (names.size() < 2) encoding["legend"] = nullptr;
  return encoding;
}

namespace {

std::string colour_of_mark(Tone tone) {
  return tone == Tone::Plain ? "var(--soft)" : colour_of(tone);
}

// The lines of one tone. Their colour is fixed: a colour channel would merge with that of the
// series and take away its legend.
void add_lines(Json& layers, Json values, Tone tone, const Json& place, const Json& tooltip) {
  const Json data{{"values", std::move(values)}};
  const std::string colour = colour_of_mark(tone);
  layers.push_back(Json{{"data", data},
                        {"mark", Json{{"type", "rule"},
                                      {"strokeWidth", 1.3},
                                      {"strokeDash", {2, 3}},
                                      {"opacity", 0.6},
                                      {"color", colour}}},
                        {"encoding", Json{{"x", place}, {"tooltip", tooltip}}}});
  // A head on each line, large enough to be pointed at.
  layers.push_back(
      Json{{"data", data},
           {"mark", Json{{"type", "point"},
                         {"shape", "triangle-down"},
                         {"filled", true},
                         {"size", 70},
                         {"opacity", 1},
                         {"color", colour}}},
           {"encoding", Json{{"x", place}, {"y", Json{{"value", 4}}}, {"tooltip", tooltip}}}});
}

// The word beside a line, `row` rows below the top, so that neighbours' words don't cover each
// other. It lies over what the plot shows there; the paper's colour around it keeps it readable.
void add_word(Json& layers, const Mark& mark, std::size_t row, const Json& place) {
  constexpr std::size_t kTop = 8;
  constexpr std::size_t kRowHeight = 16;
  for (const bool halo : {true, false}) {
    Json look{{"type", "text"},    {"align", "left"}, {"dx", 7},
              {"fontWeight", 600}, {"limit", 260},    {"color", colour_of_mark(mark.tone)}};
    if (halo) {
      look["color"] = "var(--paper)";
      look["stroke"] = "var(--paper)";
      look["strokeWidth"] = 5;
      look["strokeJoin"] = "round";
    }
    const Json data{{"values", Json::array({Json{{"x", mark.x}, {"what", mark.label}}})}};
    const Json word{{"field", "what"}, {"type", "nominal"}};
    layers.push_back(Json{
        {"data", data},
        {"mark", std::move(look)},
        {"encoding",
         Json{{"x", place}, {"y", Json{{"value", kTop + kRowHeight * row}}}, {"text", word}}}});
  }
}

}  // namespace

void add_marks(Json& layers, const std::vector<Mark>& marks, const Axis& x) {
  Json tooltip = Json::array({Json{{"field", "what"}, {"type", "nominal"}, {"title", "event"}}});
  if (std::any_of(marks.begin(), marks.end(), [](const Mark& mark) { return !mark.note.empty(); }))
    tooltip.push_back(Json{{"field", "why"}, {"type", "nominal"}, {"title", "why"}});
  const bool time = x.kind == Axis::Kind::Time;
  if (time) {
    tooltip.push_back(Json{{"field", "x"},
                           {"type", "temporal"},
                           {"title", "at"},
                           {"timeUnit", "utcyearmonthdatehoursminutes"}});
  }
  const Json place{{"field", "x"}, {"type", time ? "temporal" : "quantitative"}};
  for (const Tone tone : {Tone::Plain, Tone::Unsure, Tone::Good, Tone::Bad}) {
    Json values = Json::array();
    for (const Mark& mark : marks) {
      if (mark.tone == tone)
        values.push_back(Json{{"x", mark.x}, {"what", mark.label}, {"why", mark.note}});
    }
    if (!values.empty()) add_lines(layers, std::move(values), tone, place, tooltip);
  }
  if (marks.size() > kFewMarks) return;
  for (std::size_t row = 0; row < marks.size(); ++row) add_word(layers, marks[row], row, place);
}

Cell axis_cell(const Axis& axis, double value) {
  if (axis.kind == Axis::Kind::Time && std::isfinite(value)) {
    constexpr std::int64_t kMicrosPerMilli = 1000;
    std::string text = to_bare_text(Timestamp{static_cast<std::int64_t>(value) * kMicrosPerMilli});
    if (text.ends_with(" 00:00:00")) text.resize(text.size() - 9);
    return text_cell(std::move(text));
  }
  if (axis.kind == Axis::Kind::Share) return {share_text(value), Cell::Kind::Number, Tone::Plain};
  return number_cell(value);
}

std::vector<std::size_t> spread(std::size_t size, std::size_t most) {
  std::vector<std::size_t> places;
  if (size <= most) {
    for (std::size_t i = 0; i < size; ++i) places.push_back(i);
    return places;
  }
  for (std::size_t i = 0; i < most; ++i) places.push_back(i * (size - 1) / (most - 1));
  return places;
}

Json view(Json layers, int height) {
  return Json{{"width", "container"},
              {"height", height},
              {"autosize", Json{{"type", "fit"}, {"contains", "padding"}, {"resize", true}}},
              {"layer", std::move(layers)}};
}

}  // namespace martlet::report::internal
