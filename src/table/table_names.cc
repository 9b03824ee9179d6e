// The tables that a query reads, from DuckDB's own syntax tree.
#include "base/json.h"
#include "base/text.h"
#include "table/engine.h"

#include <fmt/format.h>

#include <set>

namespace martlet::table {

using columns::Batch;
using columns::Cell;

namespace {

// Walks DuckDB's own syntax tree. `hidden` holds the names that WITH gives at this place, in lower
// case.
void collect_tables(const Json& node, std::set<std::string> hidden, std::set<std::string>& found) {
  if (node.is_array()) {
    for (const Json& item : node) collect_tables(item, hidden, found);
    return;
  }
  if (!node.is_object()) return;
  if (node.value("type", Json()) == "BASE_TABLE" && node.value("schema_name", "").empty()) {
    const std::string name = node.value("table_name", "");
    if (!hidden.contains(lower_ascii(name))) found.insert(name);
  }
  const auto ctes = node.find("cte_map");
  if (ctes != node.end() && ctes->is_object() && ctes->contains("map")) {
    for (const Json& entry : (*ctes)["map"]) {
      const std::string name = lower_ascii(entry.value("key", ""));
      std::set<std::string> inner = hidden;
      const Json& query = entry.contains("value") ? entry["value"] : entry;
      // Only a recursive one sees itself.
      if (to_text(query).find("RECURSIVE_CTE_NODE") != std::string::npos) inner.insert(name);
      collect_tables(query, inner, found);
      hidden.insert(name);
    }
  }
  for (const auto& [key, value] : node.items()) {
    if (key != "cte_map") collect_tables(value, hidden, found);
  }
}

}  // namespace

Result<std::vector<std::string>> Engine::tables_of(std::string_view sql) {
  const Cell text = Cell::of_text(sql);
  MARTLET_TRY_SET(const Batch answer,
                  query("SELECT json_serialize_sql(?::varchar)::varchar AS tree", {&text, 1}));
  MARTLET_TRY_SET(const Json tree,
                  parse_json(answer.column(0).text(0), {.size_bytes = 64U << 20, .depth = 2'000}));
  if (tree.value("error", true)) {
    return invalid_argument(
        fmt::format("not a SQL query: {}", tree.value("error_message", "it could not be read")));
  }
  const std::size_t count = tree.contains("statements") ? tree["statements"].size() : 0;
  if (count != 1)
    return invalid_argument(fmt::format("one SQL query was expected but there are {}", count));
  std::set<std::string> found;
  collect_tables(tree, {}, found);
  return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace martlet::table
