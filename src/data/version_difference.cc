#include "data/version_difference.h"

#include "base/first_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace martlet::data {

namespace {

// As a value to show. Two doubles that print alike are the same bits but for the sign of zero,
// which the shortest text keeps.
Json shown(const columns::Cell& cell) { return columns::to_json(cell); }

// Bit for bit: 0.0 and -0.0 differ, as they do in the part's bytes.
bool is_same(const columns::Cell& a, const columns::Cell& b) {
  if (a.type == columns::Type::Double && b.type == columns::Type::Double && !a.missing &&
      !b.missing) {
    return std::bit_cast<std::uint64_t>(a.number) == std::bit_cast<std::uint64_t>(b.number) ||
           (a.number != a.number && b.number != b.number);
  }
  return a.same_as(b);
}

DatasetVersion only_part(const DatasetVersion& version, std::size_t part) {
  DatasetVersion one = version;
  one.parts = {version.parts[part]};
  return one;
}

VersionDifference in_rows(std::size_t part, std::size_t row, std::int64_t rows_before) {
  VersionDifference found;
  found.part = static_cast<std::int64_t>(part) + 1;
  found.row = rows_before + static_cast<std::int64_t>(row) + 1;
  found.where = fmt::format("part {}, row {}", found.part, row + 1);
  return found;
}

VersionDifference compare_rows(const columns::Batch& expected, const columns::Batch& actual,
                               std::size_t part, std::int64_t rows_before) {
  const std::size_t shared = std::min(expected.rows(), actual.rows());
  for (std::size_t row = 0; row < shared; ++row) {
    for (std::size_t i = 0; i < expected.width(); ++i) {
      const columns::Cell a = expected.column(i).cell(row);
      const columns::Cell b = actual.column(i).cell(row);
      if (is_same(a, b)) continue;
      VersionDifference found = in_rows(part, row, rows_before);
      found.column = expected.schema()[i].name;
      found.where += ", column " + found.column;
      found.expected = shown(a);
      found.actual = shown(b);
      return found;
    }
  }
  VersionDifference found = in_rows(part, shared, rows_before);
  if (expected.rows() != actual.rows()) {
    found.where = fmt::format("part {}, the number of its rows", part + 1);
    found.expected = expected.rows();
    found.actual = actual.rows();
    return found;
  }
  found.where =
      fmt::format("part {}: the same rows in other bytes; another engine wrote them", part + 1);
  found.row = 0;
  return found;
}

}  // namespace

Json to_json(const VersionDifference& difference) {
  Json json{{"where", difference.where},
            {"expected", difference.expected},
            {"actual", difference.actual}};
  if (difference.part > 0) json["part"] = difference.part;
  if (difference.row > 0) json["row"] = difference.row;
  if (!difference.column.empty()) json["column"] = difference.column;
  return json;
}

Result<std::optional<VersionDifference>> first_difference(const VersionStore& expected_store,
                                                          const DatasetVersion& expected,
                                                          const VersionStore& actual_store,
                                                          const DatasetVersion& actual) {
  if (expected.schema != actual.schema) {
    const auto found = json_differences(expected.schema.to_json(), actual.schema.to_json(), 1);
    VersionDifference difference;
    difference.where = "columns" + (found.empty() ? std::string() : ": " + found.front().path);
    if (!found.empty()) {
      difference.expected = found.front().expected.value_or(nullptr);
      difference.actual = found.front().actual.value_or(nullptr);
    }
    return std::optional(std::move(difference));
  }
  std::int64_t rows_before = 0;
  const std::size_t shared = std::min(expected.parts.size(), actual.parts.size());
  for (std::size_t part = 0; part < shared; ++part) {
    if (expected.parts[part].digest == actual.parts[part].digest) {
      rows_before += expected.parts[part].rows;
      continue;
    }
    MARTLET_TRY_SET(const columns::Batch a, expected_store.load(only_part(expected, part)));
    MARTLET_TRY_SET(const columns::Batch b, actual_store.load(only_part(actual, part)));
    return std::optional(compare_rows(a, b, part, rows_before));
  }
  if (expected.parts.size() == actual.parts.size()) return std::optional<VersionDifference>();
  VersionDifference difference;
  difference.where = fmt::format("part {}", shared + 1);
  difference.part = static_cast<std::int64_t>(shared) + 1;
  difference.expected = expected.parts.size() > shared ? Json("is there") : Json(nullptr);
  difference.actual = actual.parts.size() > shared ? Json("is there") : Json(nullptr);
  return std::optional(std::move(difference));
}

}  // namespace martlet::data
