#include "report/internal/spec.h"

#include <algorithm>
#include <cmath>

namespace martlet::report {

namespace {

constexpr std::size_t kRowsPerSeries = 12;  // in the plot's table

using Look = Series::Look;

bool has_interval(const Point& point) {
  return std::isfinite(point.low) && std::isfinite(point.high);
}

// The points of the series that `wanted` picks, as data.
template <class Wanted>
Json values_of(const CurvePlot& request, Wanted wanted) {
  Json values = Json::array();
  for (const Series& series : request.series) {
    if (!wanted(series)) continue;
    for (const Point& point : series.points) {
      Json value{{"x", point.x}, {"y", number_or_null(point.y)}, {"series", series.name}};
      if (has_interval(point)) {
        value["low"] = point.low;
        value["high"] = point.high;
      }
      if (!point.note.empty()) value["note"] = point.note;
      values.push_back(std::move(value));
    }
  }
  return values;
}

Json tooltip_of(const CurvePlot& request) {
  const bool several = request.series.size() > 1;
  bool intervals = false;
  bool notes = false;
  for (const Series& series : request.series) {
    for (const Point& point : series.points) {
      intervals = intervals || has_interval(point);
      notes = notes || !point.note.empty();
    }
  }
  const auto field = [](const char* name, const std::string& title, const Axis& axis) {
    Json channel{{"field", name}, {"type", "quantitative"}, {"title", title}};
    if (axis.kind == Axis::Kind::Share) channel["format"] = ".2%";
    if (axis.kind == Axis::Kind::Number) channel["format"] = ",.5~g";
    if (axis.kind == Axis::Kind::Time) {
      channel["type"] = "temporal";
      channel["timeUnit"] = "utcyearmonthdatehoursminutes";
    }
    return channel;
  };
  Json tooltip = Json::array();
  if (several) tooltip.push_back(Json{{"field", "series"}, {"type", "nominal"}, {"title", " "}});
  tooltip.push_back(field("x", request.x.title, request.x));
  tooltip.push_back(field("y", request.y.title, request.y));
  if (intervals) {
    tooltip.push_back(field("low", "low", request.y));
    tooltip.push_back(field("high", "high", request.y));
  }
  if (notes) tooltip.push_back(Json{{"field", "note"}, {"type", "nominal"}, {"title", "note"}});
  return tooltip;
}

Json straight_line(const Json& mark, Json encoding, Json values) {
  return Json{{"data", Json{{"values", std::move(values)}}},
              {"mark", mark},
              {"encoding", std::move(encoding)}};
}

Table table_of(const CurvePlot& request) {
  Table table;
  const bool several = request.series.size() > 1;
  bool intervals = false;
  for (const Series& series : request.series)
    intervals = intervals || std::any_of(series.points.begin(), series.points.end(), has_interval);
  if (several) table.header.emplace_back("");
  table.header.push_back(request.x.title);
  table.header.push_back(request.y.title);
  if (intervals) table.header.insert(table.header.end(), {"low", "high"});
  for (const Series& series : request.series) {
    for (const std::size_t place : internal::spread(series.points.size(), kRowsPerSeries)) {
      const Point& point = series.points[place];
      std::vector<Cell> row;
      if (several) row.push_back(text_cell(series.name));
      row.push_back(internal::axis_cell(request.x, point.x));
      row.push_back(internal::axis_cell(request.y, point.y));
      if (intervals) {
        row.push_back(internal::axis_cell(request.y, point.low));
        row.push_back(internal::axis_cell(request.y, point.high));
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

}  // namespace

Plot curve_plot(const CurvePlot& request) {
  const Json x = internal::axis_encoding("x", request.x);
  const Json y = internal::axis_encoding("y", request.y);
  std::vector<std::string> names;
  std::vector<std::size_t> colours;
  for (const Series& series : request.series) {
    names.push_back(series.name);
    colours.push_back(series.colour);
  }
  const Json colour = internal::series_colours(names, colours);
  const Json quiet{
      {"type", "line"}, {"color", "var(--faint)"}, {"strokeDash", {4, 4}}, {"strokeWidth", 1.2}};
  Json layers = Json::array();
  if (request.diagonal) {
    layers.push_back(
        straight_line(quiet, Json{{"x", x}, {"y", y}},
                      Json::array({Json{{"x", 0}, {"y", 0}}, Json{{"x", 1}, {"y", 1}}})));
  }
  if (request.level.has_value()) {
    layers.push_back(straight_line(Json{{"type", "rule"},
                                        {"color", "var(--faint)"},
                                        {"strokeDash", {4, 4}},
                                        {"strokeWidth", 1.2}},
                                   Json{{"y", y}}, Json::array({Json{{"y", *request.level}}})));
  }
  const auto add = [&](Json mark, Json encoding, Json values) {
    if (values.empty()) return;
    encoding["x"] = x;
    encoding["color"] = colour;
    layers.push_back(Json{{"data", Json{{"values", std::move(values)}}},
                          {"mark", std::move(mark)},
                          {"encoding", std::move(encoding)}});
  };
  Json band_y = y;
  band_y["field"] = "low";
  Json banded = Json::array();
  for (const Json& value : values_of(request, [](const Series&) { return true; })) {
    if (value.contains("low")) banded.push_back(value);
  }
  const bool dots_alone =
      std::all_of(request.series.begin(), request.series.end(),
                  [](const Series& series) { return series.look == Look::Dots; });
  add(dots_alone ? Json{{"type", "rule"}, {"strokeWidth", 1.5}}
                 : Json{{"type", "area"}, {"opacity", 0.18}, {"strokeWidth", 0}, {"clip", true}},
      Json{{"y", band_y}, {"y2", Json{{"field", "high"}}}}, std::move(banded));
  const auto of_look = [&](Look look) {
    return values_of(request, [look](const Series& series) { return series.look == look; });
  };
  add(Json{{"type", "area"}, {"opacity", 0.35}, {"line", true}}, Json{{"y", y}},
      of_look(Look::Area));
  add(Json{{"type", "line"}, {"strokeWidth", 2}}, Json{{"y", y}}, of_look(Look::Line));
  add(Json{{"type", "line"}, {"strokeWidth", 2}, {"strokeDash", {6, 3}}}, Json{{"y", y}},
      of_look(Look::Dashed));
  add(Json{{"type", "line"}, {"strokeWidth", 2}, {"interpolate", "step-after"}}, Json{{"y", y}},
      of_look(Look::Steps));
  add(Json{{"type", "line"}, {"strokeWidth", 2}, {"point", Json{{"filled", true}, {"size", 36}}}},
      Json{{"y", y}}, of_look(Look::LineAndDots));
  add(Json{{"type", "point"}, {"filled", true}, {"size", 50}, {"opacity", 1}}, Json{{"y", y}},
      of_look(Look::Dots));
  internal::add_marks(layers, request.marks, request.x);
  // What is pointed at: the nearest point of any series.
  layers.push_back(
      Json{{"data", Json{{"values", values_of(request, [](const Series&) { return true; })}}},
           {"params", Json::array({Json{{"name", "pointed"},
                                        {"select", Json{{"type", "point"},
                                                        {"on", "pointerover"},
                                                        {"clear", "pointerout"},
                                                        {"nearest", true}}}}})},
           {"mark", Json{{"type", "point"}, {"filled", true}, {"size", 60}}},
           {"encoding",
            Json{{"x", x},
                 {"y", y},
                 {"color", colour},
                 {"opacity",
                  Json{{"condition", Json{{"param", "pointed"}, {"empty", false}, {"value", 1}}},
                       {"value", 0}}},
                 {"tooltip", tooltip_of(request)}}}});
  return {request.title, request.about, internal::view(std::move(layers), request.height),
          request.height, table_of(request)};
}

}  // namespace martlet::report
