// report/plots.h: the kinds of plot that reports are made of, as Vega-Lite views of plain values.
//
// Names only ever become data, never fields or expressions of the view, so they may hold anything.
// Each plot brings a table of its figures (at most a few dozen rows) for who reads without script.
// Colours are the page's custom properties, so that one drawing serves light, dark and print. Pure
// functions.
#pragma once
#include "report/document.h"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace martlet::report {

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Axis {
  enum class Kind : std::uint8_t {
    Number,
    Share,  // 0 … 1, shown in percent
    Time,   // milliseconds since 1970, shown as they are: convert local times before
  };
  std::string title = {};
  Kind kind = Kind::Number;
  std::optional<double> low = {};  // where the axis begins and ends; default: by the figures
  std::optional<double> high = {};
  bool from_zero = false;
};

struct Point {
  double x = 0;
  double y = 0;        // not finite: a gap
  double low = kNone;  // of an interval
  double high = kNone;
  std::string note = {};  // shown when pointed at
};

struct Series {
  enum class Look : std::uint8_t { Line, Dashed, Steps, Dots, LineAndDots, Area };
  std::string name = {};
  std::vector<Point> points = {};
  Look look = Look::Line;
  std::size_t colour = 0;  // 0 … kColours - 1; the same thing has the same colour in all plots
};
inline constexpr std::size_t kColours = 6;

// A vertical line at x.
struct Mark {
  double x = 0;
  std::string label = {};  // beside it when there are at most three marks, else when pointed at
  std::string note = {};
  Tone tone = Tone::Plain;
};

struct CurvePlot {
  std::string title = {};
  std::string about = {};
  Axis x = {};
  Axis y = {};
  std::vector<Series> series = {};
  std::vector<Mark> marks = {};
  bool diagonal = false;             // from (0, 0) to (1, 1)
  std::optional<double> level = {};  // a horizontal line
  int height = 300;
};
Plot curve_plot(const CurvePlot& request);

struct Bar {
  std::string name = {};
  double value = 0;  // not finite: shown as unknown
  double low = kNone;
  double high = kNone;
  Tone tone = Tone::Plain;
  std::string note = {};
};
// Bars from zero, or dots with their intervals, one below the other in the order given.
struct BarPlot {
  std::string title = {};
  std::string about = {};
  Axis value = {};
  std::string names = {};  // the header of the names
  std::vector<Bar> bars = {};
  bool dots = false;
  std::optional<double> level = {};  // a vertical line
  std::string level_label = {};
};
Plot bar_plot(const BarPlot& request);

struct Counts {
  std::string name = {};
  std::vector<double> counts = {};  // one fewer than edges
  std::size_t colour = 0;
};
struct HistogramPlot {
  std::string title = {};
  std::string about = {};
  Axis x = {};
  std::string y_title = "rows";
  std::vector<double> edges = {};   // ascending
  std::vector<Counts> counts = {};  // drawn over each other
  std::vector<Mark> marks = {};
  int height = 260;
};
Plot histogram_plot(const HistogramPlot& request);

}  // namespace martlet::report
