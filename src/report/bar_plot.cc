#include "report/internal/spec.h"

#include <algorithm>
#include <cmath>

namespace martlet::report {

namespace {

constexpr int kBarHeight = 22;    // pixels a bar
constexpr int kFrameHeight = 64;  // of axis and padding

Table table_of(const BarPlot& request, bool intervals, bool notes) {
  Table table;
  table.header = {request.names, request.value.title};
  if (intervals) table.header.insert(table.header.end(), {"low", "high"});
  if (notes) table.header.emplace_back("");
  for (const Bar& bar : request.bars) {
    std::vector<Cell> row{text_cell(bar.name), internal::axis_cell(request.value, bar.value)};
    if (intervals) {
      row.push_back(internal::axis_cell(request.value, bar.low));
      row.push_back(internal::axis_cell(request.value, bar.high));
    }
    if (notes) row.push_back(text_cell(bar.note));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

Plot bar_plot(const BarPlot& request) {
  bool intervals = false;
  bool notes = false;
  Json values = Json::array();
  Json order = Json::array();
  for (std::size_t i = 0; i < request.bars.size(); ++i) {
    const Bar& bar = request.bars[i];
    // Bars of one name stay apart: they are placed by number and only labelled by name.
    order.push_back(i);
    Json value{{"place", i},
               {"name", bar.name},
               {"x", number_or_null(bar.value)},
               {"colour", internal::colour_of(bar.tone)}};
    if (std::isfinite(bar.low) && std::isfinite(bar.high)) {
      intervals = true;
      value["low"] = bar.low;
      value["high"] = bar.high;
    }
    if (!bar.note.empty()) {
      notes = true;
      value["note"] = bar.note;
    }
    values.push_back(std::move(value));
  }
  Axis axis = request.value;
  axis.from_zero = axis.from_zero || !request.dots;
  Json x = internal::axis_encoding("x", axis);
  x["axis"]["orient"] = "bottom";
  const Json y{{"field", "place"},
               {"type", "ordinal"},
               {"sort", order},
               {"title", nullptr},
               {"axis", nullptr}};
  const Json colour{
      {"field", "colour"}, {"type", "nominal"}, {"scale", nullptr}, {"legend", nullptr}};
  Json tooltip =
      Json::array({Json{{"field", "name"}, {"type", "nominal"}, {"title", request.names}},
                   Json{{"field", "x"},
                        {"type", "quantitative"},
                        {"title", request.value.title},
                        {"format", ",.5~g"}}});
  if (intervals) {
    for (const char* bound : {"low", "high"})
      tooltip.push_back(
          Json{{"field", bound}, {"type", "quantitative"}, {"title", bound}, {"format", ",.5~g"}});
  }
  if (notes) tooltip.push_back(Json{{"field", "note"}, {"type", "nominal"}, {"title", "note"}});

  Json layers = Json::array();
  if (request.level.has_value()) {
    layers.push_back(
        Json{{"data", Json{{"values", Json::array({Json{{"x", *request.level}}})}}},
             {"mark", Json{{"type", "rule"}, {"color", "var(--faint)"}, {"strokeDash", {4, 4}}}},
             {"encoding", Json{{"x", x}}}});
  }
  if (intervals) {
    Json low = x;
    low["field"] = "low";
    layers.push_back(
        Json{{"mark", Json{{"type", "rule"}, {"strokeWidth", 2}}},
             {"encoding",
              Json{{"x", low}, {"x2", Json{{"field", "high"}}}, {"y", y}, {"color", colour}}}});
  }
  layers.push_back(
      Json{{"mark",
            request.dots
                ? Json{{"type", "point"}, {"filled", true}, {"size", 70}, {"opacity", 1}}
                : Json{{"type", "bar"}, {"height", Json{{"band", 0.66}}}, {"cornerRadiusEnd", 2}}},
           {"encoding", Json{{"x", x}, {"y", y}, {"color", colour}, {"tooltip", tooltip}}}});
  // The names, as texts at the left edge: an ordinal axis would merge equal ones.
  layers.push_back(
      Json{{"mark", Json{{"type", "text"},
                         {"align", "right"},
                         {"dx", -8},
                         {"limit", 180},
                         {"color", "var(--ink)"}}},
           {"encoding", Json{{"x", Json{{"value", 0}}},
                             {"y", y},
                             {"text", Json{{"field", "name"}, {"type", "nominal"}}}}}});
  const int height =
      kFrameHeight + kBarHeight * static_cast<int>(std::max<std::size_t>(request.bars.size(), 1));
  Json spec = internal::view(std::move(layers), height);
  spec["data"] = Json{{"values", std::move(values)}};
  return {request.title, request.about, std::move(spec), height,
          table_of(request, intervals, notes)};
}

}  // namespace martlet::report
