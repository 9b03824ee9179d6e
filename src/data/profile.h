// data/profile.h: what a table looks like, column by column: `martlet data profile` and the
// statistics of dataset versions.
//
// Exact, with the meaning that pandas gives to the same words, and the same on any number of
// threads. Values; pure functions.
#pragma once
#include "base/json.h"
#include "columns/batch.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace martlet::data {

struct ColumnProfile {
  std::string name = {};
  columns::Type type = columns::Type::Double;
  std::int64_t nulls = 0;     // missing; NaN counts as missing
  std::int64_t distinct = 0;  // present values only
  // In the column's own type (times and dates as ISO texts); null when nothing is present, and for
  // texts and booleans.
  Json min = nullptr;
  Json max = nullptr;
  // Integers and numbers only.
  std::optional<double> mean = {};
  std::optional<double> stddev = {};  // n − 1; absent for fewer than two values
  std::optional<double> p25 = {};     // linear quantiles, numpy's default (Hyndman and Fan, type 7)
  std::optional<double> p50 = {};
  std::optional<double> p75 = {};
  std::optional<std::int64_t> zeros = {};
  // The most frequent value of other types; the one seen first among equals.
  Json top = nullptr;
  std::optional<std::int64_t> top_count = {};
  // Texts that often stand for a missing value, with how often each occurs, the most frequent
  // first.
  std::vector<std::pair<std::string, std::int64_t>> suspicious_nulls = {};
  bool number_without_them = false;  // all other values read as numbers
  std::int64_t padded = 0;           // texts that begin or end with white space
};

struct Profile {
  std::int64_t rows = 0;
  std::int64_t duplicate_rows = 0;  // rows that equal an earlier one
  std::vector<ColumnProfile> columns = {};
};

struct ProfileOptions {
  int threads = 1;
};

// O(rows × columns), numbers O(rows log rows).
Profile profile(const columns::Batch& batch, const ProfileOptions& options = {});
ColumnProfile profile_column(const std::string& name, const columns::Column& column);

// DESIGN §5's shape of `data profile`, with suspicious_nulls, number_without_them and padded behind
// it.
Json to_json(const ColumnProfile& profile);
Json to_json(const Profile& profile);

}  // namespace martlet::data
