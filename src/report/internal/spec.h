// report/internal/spec.h: pieces of Vega-Lite that several plots share.
#pragma once
#include "report/plots.h"

#include <string>
#include <vector>

namespace martlet::report::internal {

std::string colour_of(std::size_t colour);  // "var(--s1)"
std::string colour_of(Tone tone);

// The encoding of a channel "x" or "y" over the field of the same name.
Json axis_encoding(const char* field, const Axis& axis);
// The colour channel over the field "series": exactly these names in these colours.
Json series_colours(const std::vector<std::string>& names, const std::vector<std::size_t>& colours);
// Layers that draw vertical lines; none without marks.
void add_marks(Json& layers, const std::vector<Mark>& marks, const Axis& x);
// A value on the axis, for tables.
Cell axis_cell(const Axis& axis, double value);
// At most `most` places of 0 … size - 1, the first and the last among them, evenly spread.
std::vector<std::size_t> spread(std::size_t size, std::size_t most);

// {width, height, autosize, layer}
Json view(Json layers, int height);

}  // namespace martlet::report::internal
