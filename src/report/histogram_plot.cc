#include "report/internal/spec.h"

#include <algorithm>

namespace martlet::report {

namespace {

constexpr std::size_t kTableRows = 24;

Table table_of(const HistogramPlot& request) {
  Table table;
  table.header = {request.x.title + " from", "to"};
  for (const Counts& counts : request.counts)
    table.header.push_back(counts.name.empty() ? request.y_title : counts.name);
  const std::size_t bins = request.edges.empty() ? 0 : request.edges.size() - 1;
  // Neighbouring bins are added up until they are few enough to read.
  const std::size_t step = (bins + kTableRows - 1) / kTableRows;
  for (std::size_t bin = 0; bin < bins; bin += step) {
    const std::size_t end = std::min(bin + step, bins);
    std::vector<Cell> row{internal::axis_cell(request.x, request.edges[bin]),
                          internal::axis_cell(request.x, request.edges[end])};
    for (const Counts& counts : request.counts) {
      double sum = 0;
      for (std::size_t i = bin; i < end && i < counts.counts.size(); ++i) sum += counts.counts[i];
      row.push_back(number_cell(sum));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

Plot histogram_plot(const HistogramPlot& request) {
  Json values = Json::array();
  std::vector<std::string> names;
  std::vector<std::size_t> colours;
  for (const Counts& counts : request.counts) {
    names.push_back(counts.name);
    colours.push_back(counts.colour);
    for (std::size_t i = 0; i < counts.counts.size() && i + 1 < request.edges.size(); ++i) {
      values.push_back(Json{{"x", request.edges[i]},
                            {"end", request.edges[i + 1]},
                            {"y", counts.counts[i]},
                            {"series", counts.name}});
    }
  }
  Axis y{request.y_title};
  y.from_zero = true;
  Json y_encoding = internal::axis_encoding("y", y);
  const Json x = internal::axis_encoding("x", request.x);
  const char* shown = request.x.kind == Axis::Kind::Share ? ".1%" : ",.4~g";
  Json tooltip = Json::array(
      {Json{{"field", "x"}, {"type", "quantitative"}, {"title", "from"}, {"format", shown}},
       Json{{"field", "end"}, {"type", "quantitative"}, {"title", "to"}, {"format", shown}},
       Json{
           {"field", "y"}, {"type", "quantitative"}, {"title", request.y_title}, {"format", ","}}});
  if (names.size() > 1)
    tooltip.push_back(Json{{"field", "series"}, {"type", "nominal"}, {"title", " "}});
  Json layers = Json::array();
  layers.push_back(
      Json{{"data", Json{{"values", std::move(values)}}},
           {"mark", Json{{"type", "rect"}, {"opacity", names.size() > 1 ? 0.6 : 0.85}}},
           {"encoding", Json{{"x", x},
                             {"x2", Json{{"field", "end"}}},
                             {"y", y_encoding},
                             {"y2", Json{{"datum", 0}}},
                             {"color", internal::series_colours(names, colours)},
                             {"tooltip", tooltip}}}});
  internal::add_marks(layers, request.marks, request.x);
  return {request.title, request.about, internal::view(std::move(layers), request.height),
          request.height, table_of(request)};
}

}  // namespace martlet::report
