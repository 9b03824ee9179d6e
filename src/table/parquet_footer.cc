#include "table/parquet_footer.h"

#include "table/engine.h"

#include <fmt/format.h>

namespace martlet::table {

Result<std::vector<std::int64_t>> parquet_rows(std::span<const std::string> files) {
  MARTLET_TRY_SET(auto engine, Engine::open({.access = Access::Sources}));
  std::vector<std::int64_t> rows;
  for (const std::string& file : files) {
    const auto footer = engine->query(
        fmt::format("SELECT num_rows FROM parquet_file_metadata({})", quote_text(file)));
    if (!footer.has_value() || footer->rows() != 1) {
      return corrupt(fmt::format(
          "reading {}: it is no whole Parquet file ({}); fetch or write it again", file,
          footer.has_value()
              ? "no footer"
              : footer.error().message().substr(0, footer.error().message().find('\n'))));
    }
    rows.push_back(footer->column(0).cell(0).integer);
  }
  return rows;
}

}  // namespace martlet::table
