#include "workflow/graph.h"

#include "base/text.h"

#include <algorithm>

namespace martlet::workflow {

namespace {

// The longest way from a start to each step: its column in a drawing.
std::vector<std::size_t> depths_of(const std::vector<std::vector<std::size_t>>& dependencies) {
  std::vector<std::size_t> depths(dependencies.size(), 0);
  for (std::size_t round = 0; round < dependencies.size(); ++round) {
    bool changed = false;
    for (std::size_t i = 0; i < dependencies.size(); ++i) {
      for (const std::size_t needed : dependencies[i]) {
        if (depths[i] < depths[needed] + 1) {
          depths[i] = depths[needed] + 1;
          changed = true;
        }
      }
    }
    if (!changed) break;
  }
  return depths;
}

std::string label_of(const Step& step, const std::map<std::string, std::string>& status) {
  const auto found = status.find(step.name);
  return found == status.end() ? step.name : step.name + " (" + found->second + ")";
}

std::string escape_xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string as_text(const Pipeline& pipeline,
                    const std::vector<std::vector<std::size_t>>& dependencies,
                    const std::map<std::string, std::string>& status) {
  const std::vector<std::size_t> depths = depths_of(dependencies);
  std::vector<std::size_t> order(pipeline.steps.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return depths[a] < depths[b]; });
  std::string out;
  for (const std::size_t i : order) {
    std::vector<std::string> needed;
    for (const std::size_t j : dependencies[i]) needed.push_back(pipeline.steps[j].name);
    out += std::string(2 * depths[i], ' ') + label_of(pipeline.steps[i], status);
    if (!needed.empty()) out += "  <- " + join(needed, ", ");
    out += '\n';
  }
  return out;
}

std::string as_edges(const Pipeline& pipeline,
                     const std::vector<std::vector<std::size_t>>& dependencies,
                     const std::map<std::string, std::string>& status, bool mermaid) {
  std::string out =
      mermaid ? "flowchart LR\n"
              : "digraph \"" + pipeline.name + "\" {\n  rankdir=LR;\n  node [shape=box];\n";
  for (std::size_t i = 0; i < pipeline.steps.size(); ++i) {
    const std::string id = "s" + std::to_string(i);
    const std::string label = label_of(pipeline.steps[i], status);
    out += "  " + id + (mermaid ? "[\"" + label + "\"]\n" : " [label=\"" + label + "\"];\n");
  }
  for (std::size_t i = 0; i < pipeline.steps.size(); ++i) {
    for (const std::size_t j : dependencies[i]) {
      out += "  s" + std::to_string(j) + (mermaid ? " --> " : " -> ") + "s" + std::to_string(i) +
             (mermaid ? "\n" : ";\n");
    }
  }
  return mermaid ? out : out + "}\n";
}

std::string as_svg(const Pipeline& pipeline,
                   const std::vector<std::vector<std::size_t>>& dependencies,
                   const std::map<std::string, std::string>& status) {
  constexpr std::size_t kWidth = 190, kHeight = 32, kGapX = 60, kGapY = 18, kMargin = 12;
  const std::vector<std::size_t> depths = depths_of(dependencies);
  std::map<std::size_t, std::size_t> used;  // rows taken in each column
  std::vector<std::pair<std::size_t, std::size_t>> places(pipeline.steps.size());
  std::size_t widest = 0, tallest = 0;
  for (std::size_t i = 0; i < pipeline.steps.size(); ++i) {
    const std::size_t row = used[depths[i]]++;
    places[i] = {kMargin + depths[i] * (kWidth + kGapX), kMargin + row * (kHeight + kGapY)};
    widest = std::max(widest, places[i].first + kWidth + kMargin);
    tallest = std::max(tallest, places[i].second + kHeight + kMargin);
  }
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + std::to_string(widest) +
                    "\" height=\"" + std::to_string(tallest) +
                    "\" font-family=\"sans-serif\" font-size=\"13\">\n";
  for (std::size_t i = 0; i < pipeline.steps.size(); ++i) {
    for (const std::size_t j : dependencies[i]) {
      const std::size_t x1 = places[j].first + kWidth, y1 = places[j].second + kHeight / 2;
      const std::size_t x2 = places[i].first, y2 = places[i].second + kHeight / 2;
      const std::size_t middle = (x1 + x2) / 2;
      out += "<path fill=\"none\" stroke=\"#8a94a6\" d=\"M" + std::to_string(x1) + "," +
             std::to_string(y1) + " C" + std::to_string(middle) + "," + std::to_string(y1) + " " +
             std::to_string(middle) + "," + std::to_string(y2) + " " + std::to_string(x2) + "," +
             std::to_string(y2) + "\"/>\n";
    }
  }
  for (std::size_t i = 0; i < pipeline.steps.size(); ++i) {
    const auto& [x, y] = places[i];
    out += "<rect x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" width=\"" +
           std::to_string(kWidth) + "\" height=\"" + std::to_string(kHeight) +
           "\" rx=\"6\" fill=\"#f4f6fa\" stroke=\"#44506a\"/>\n<text x=\"" +
           std::to_string(x + kWidth / 2) + "\" y=\"" + std::to_string(y + 21) +
           "\" text-anchor=\"middle\">" + escape_xml(label_of(pipeline.steps[i], status)) +
           "</text>\n";
  }
  return out + "</svg>\n";
}

}  // namespace

Result<std::string> draw(const Pipeline& pipeline, std::string_view format,
                         const std::map<std::string, std::string>& status) {
  const auto dependencies = dependencies_of(pipeline);
  if (format == "text") return as_text(pipeline, dependencies, status);
  if (format == "mermaid") return as_edges(pipeline, dependencies, status, true);
  if (format == "dot") return as_edges(pipeline, dependencies, status, false);
  if (format == "svg") return as_svg(pipeline, dependencies, status);
  if (format == "json") {
    Json json = to_json(pipeline);
    for (Json& step : json["steps"]) {
      const auto found = status.find(step["name"].get<std::string>());
      step["status"] = found == status.end() ? Json(nullptr) : Json(found->second);
    }
    return to_pretty_text(json) + "\n";
  }
  const std::vector<std::string> known{"text", "mermaid", "dot", "svg", "json"};
  return invalid_argument("drawing the pipeline: no format is called \"" + std::string(format) +
                          "\"" + did_you_mean(format, known) + "; formats are " +
                          join(known, ", "));
}

}  // namespace martlet::workflow
