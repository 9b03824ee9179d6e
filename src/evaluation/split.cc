#include "evaluation/split.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>

namespace martlet::evaluation {
namespace {

using columns::Batch;
using columns::Column;
using columns::Type;
using Rows = std::vector<std::uint32_t>;

// FNV-1a over bytes, then the finisher of splitmix64, which spreads every bit.
class Hash {
 public:
  explicit Hash(std::uint64_t seed) { add_number(seed); }
  void add(std::string_view text) {
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
    add_byte(0xff);  // never part of UTF-8: keeps ("ab", "c") and ("a", "bc") apart
  }
  void add_number(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8)
      add_byte(static_cast<unsigned char>(number >> shift));
  }
  std::uint64_t value() const {
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
  }

 private:
  void add_byte(unsigned char byte) { state_ = (state_ ^ byte) * 0x100000001b3ULL; }
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

void add_cell(Hash& hash, const Column& column, std::size_t row) {
  if (column.is_missing(row)) {
    hash.add_number(0);
  } else {
    hash.add(columns::to_text(column.cell(row)));
  }
}

Rows all_rows(std::size_t count) {
  Rows rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

// All rows by (hash of the key, row number).
Result<Rows> by_hash(const Batch& rows, const std::vector<std::string>& key, std::uint64_t seed) {
  std::vector<const Column*> by;
  for (const std::string& name : key) {
    MARTLET_TRY_SET(const Column* column, rows.column(name));
    by.push_back(column);
  }
  std::vector<std::uint64_t> hashes;
  hashes.reserve(rows.rows());
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    Hash hash(seed);
    for (const Column* column : by) add_cell(hash, *column, row);
    if (by.empty()) hash.add_number(row);
    hashes.push_back(hash.value());
  }
  Rows order = all_rows(rows.rows());
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return hashes[a] < hashes[b]; });
  return order;
}

// All rows by time. InvalidArgument when a time is missing.
Result<std::pair<Rows, std::vector<std::int64_t>>> by_time(const Batch& rows,
                                                           const std::string& name) {
  if (name.empty()) return invalid_argument("a split by time needs problem.time");
  MARTLET_TRY_SET(const Column* time, rows.column(name));
  if (time->type() != Type::Timestamp && time->type() != Type::Date) {
    return invalid_argument(
        fmt::format("splitting by time: the column {} is of type {}, not a timestamp or a date",
                    name, columns::name_of(time->type())));
  }
  if (time->missing_count() > 0) {
    return invalid_argument(
        fmt::format("splitting by time: {} of {} rows have no {}; clean them first",
                    time->missing_count(), rows.rows(), name));
  }
  std::vector<std::int64_t> times(time->int64s().begin(), time->int64s().end());
  Rows order = all_rows(rows.rows());
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return times[a] < times[b]; });
  return std::pair(std::move(order), std::move(times));
}

std::size_t cut_at(double share, std::size_t rows) {
  return std::min(rows, static_cast<std::size_t>(std::llround(share * static_cast<double>(rows))));
}

// Moves a cut off a tie: down to the tie's beginning, or up to its end when nothing would be left
// behind `from`.
std::size_t off_ties(std::size_t cut, std::size_t from, const Rows& order,
                     const std::vector<std::int64_t>& times) {
  if (cut == 0 || cut >= order.size()) return cut;
  const auto same = [&](std::size_t i) { return times[order[i - 1]] == times[order[i]]; };
  std::size_t down = cut;
  while (down > from && same(down)) --down;
  if (down > from) return down;
  while (cut < order.size() && same(cut)) ++cut;
  return cut;
}

// Gives the rows, in this order, to the parts by share.
void deal(const Rows& order, const SplitConfig& config, std::vector<Part>& parts) {
  const std::size_t first = cut_at(config.train, order.size());
  const std::size_t second = cut_at(config.train + config.validation, order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    parts[order[i]] = i < first ? Part::Train : i < second ? Part::Validation : Part::Test;
}

// Rows by class of the target: 0, 1, unknown.
Result<std::vector<Rows>> by_class(const Rows& order, std::span<const double> target) {
  if (target.size() != order.size())
    return internal_error("a stratified split needs one target a row");
  std::vector<Rows> classes(3);
  for (const std::uint32_t row : order) {
    const double value = target[row];
    if (!std::isnan(value) && value != 0.0 && value != 1.0) {
      return invalid_argument("a stratified split needs a binary target; use random or group");
    }
    classes[std::isnan(value) ? 2 : value != 0.0 ? 1 : 0].push_back(row);
  }
  return classes;
}

// Rows by value of a column, in the order of the values' hashes.
Result<std::vector<Rows>> by_group(const Batch& rows, const std::string& name, std::uint64_t seed) {
  MARTLET_TRY_SET(const Column* column, rows.column(name));
  std::map<std::pair<std::uint64_t, std::string>, Rows> groups;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    Hash hash(seed);
    add_cell(hash, *column, row);
    const bool missing = column->is_missing(row);
    groups[{hash.value(), missing ? std::string() : "=" + columns::to_text(column->cell(row))}]
        .push_back(static_cast<std::uint32_t>(row));
  }
  std::vector<Rows> ordered;
  ordered.reserve(groups.size());
  for (auto& [key, members] : groups) ordered.push_back(std::move(members));
  return ordered;
}

Result<void> split_by_column(const Batch& rows, const std::string& name, std::vector<Part>& parts) {
  MARTLET_TRY_SET(const Column* column, rows.column(name));
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::string word = column->is_missing(row) ? "" : columns::to_text(column->cell(row));
    if (word == name_of(Part::Train)) {
      parts[row] = Part::Train;
    } else if (word == name_of(Part::Validation)) {
      parts[row] = Part::Validation;
    } else if (word == name_of(Part::Test)) {
      parts[row] = Part::Test;
    } else {
      return invalid_argument(fmt::format(
          "splitting by the column {}: row {} holds \"{}\", not train, validation or test", name,
          row + 1, word));
    }
  }
  return {};
}

Rows sorted(Rows rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

Result<std::vector<Fold>> time_folds(std::size_t folds, const Batch& rows,
                                     const std::string& time) {
  MARTLET_TRY_SET(const auto ordered, by_time(rows, time));
  const auto& [order, times] = ordered;
  std::vector<std::size_t> cuts{0};
  for (std::size_t i = 1; i <= folds; ++i) {
    cuts.push_back(off_ties(order.size() * i / (folds + 1), cuts.back(), order, times));
  }
  cuts.push_back(order.size());
  std::vector<Fold> result;
  for (std::size_t i = 1; i <= folds; ++i) {
    const auto at = [&](std::size_t cut) {
      return order.begin() + static_cast<std::ptrdiff_t>(cut);
    };
    result.push_back(
        {sorted(Rows(order.begin(), at(cuts[i]))), sorted(Rows(at(cuts[i]), at(cuts[i + 1])))});
  }
  return result;
}

}  // namespace

std::string_view name_of(Part part) {
  switch (part) {
    case Part::Train: return "train";
    case Part::Validation: return "validation";
    case Part::Test: return "test";
  }
  return "";
}

std::vector<std::uint32_t> Split::rows_of(Part part) const {
  Rows rows;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == part) rows.push_back(static_cast<std::uint32_t>(i));
  }
  return rows;
}

std::size_t Split::count(Part part) const {
  return static_cast<std::size_t>(std::count(parts.begin(), parts.end(), part));
}

Result<Split> make_split(const SplitConfig& config, SplitKind kind, const Batch& rows,
                         const SplitColumns& names, std::span<const double> target) {
  Split split;
  split.parts.resize(rows.rows(), Part::Train);
  switch (kind) {
    case SplitKind::Time: {
      MARTLET_TRY_SET(const auto ordered, by_time(rows, names.time));
      const auto& [order, times] = ordered;
      const std::size_t first = off_ties(cut_at(config.train, order.size()), 0, order, times);
      const std::size_t second =
          off_ties(std::max(first, cut_at(config.train + config.validation, order.size())), first,
                   order, times);
      for (std::size_t i = 0; i < order.size(); ++i) {
        split.parts[order[i]] = i < first    ? Part::Train
                                : i < second ? Part::Validation
                                             : Part::Test;
      }
      break;
    }
    case SplitKind::Random: {
      MARTLET_TRY_SET(const Rows order, by_hash(rows, names.key, config.seed));
      deal(order, config, split.parts);
      break;
    }
    case SplitKind::Stratified: {
      MARTLET_TRY_SET(const Rows order, by_hash(rows, names.key, config.seed));
      MARTLET_TRY_SET(const std::vector<Rows> classes, by_class(order, target));
      for (const Rows& one : classes) deal(one, config, split.parts);
      break;
    }
    case SplitKind::Group: {
      MARTLET_TRY_SET(const std::vector<Rows> groups, by_group(rows, config.column, config.seed));
      const std::size_t first = cut_at(config.train, rows.rows());
      const std::size_t second = cut_at(config.train + config.validation, rows.rows());
      std::size_t before = 0;
      for (const Rows& group : groups) {
        // A group goes where its middle row would go.
        const std::size_t middle = before + group.size() / 2;
        for (const std::uint32_t row : group) {
          split.parts[row] = middle < first    ? Part::Train
                             : middle < second ? Part::Validation
                                               : Part::Test;
        }
        before += group.size();
      }
      break;
    }
    case SplitKind::Column: {
      MARTLET_TRY(split_by_column(rows, config.column, split.parts));
      break;
    }
  }
  for (const Part part : {Part::Train, Part::Validation, Part::Test}) {
    if (split.count(part) == 0) {
      return invalid_argument(fmt::format(
          "splitting {} rows by {} leaves none for {}; give it a larger share or more rows",
          rows.rows(), name_of(kind), name_of(part)));
    }
  }
  return split;
}

Result<std::vector<Fold>> make_folds(int folds, SplitKind kind, const SplitConfig& config,
                                     const Batch& rows, const SplitColumns& names,
                                     std::span<const double> target) {
  if (folds < 2) return invalid_argument("cross-validation needs at least 2 folds");
  const auto count = static_cast<std::size_t>(folds);
  if (rows.rows() < count + 1)
    return invalid_argument(fmt::format("{} rows are too few for {} folds", rows.rows(), folds));
  std::vector<Fold> result;
  if (kind == SplitKind::Time) {
    MARTLET_TRY_SET(result, time_folds(count, rows, names.time));
  } else if (kind == SplitKind::Column) {
    return invalid_argument(
        "cross-validation can't go by a column of parts; choose time, random, stratified or group");
  } else {
    std::vector<std::size_t> fold_of(rows.rows(), 0);
    if (kind == SplitKind::Group) {
      MARTLET_TRY_SET(const std::vector<Rows> groups, by_group(rows, config.column, config.seed));
      std::vector<std::size_t> sizes(count, 0);
      for (const Rows& group : groups) {
        const auto smallest =
            static_cast<std::size_t>(std::min_element(sizes.begin(), sizes.end()) - sizes.begin());
        sizes[smallest] += group.size();
        for (const std::uint32_t row : group) fold_of[row] = smallest;
      }
    } else {
      MARTLET_TRY_SET(const Rows order, by_hash(rows, names.key, config.seed));
      std::vector<Rows> classes{order};
      if (kind == SplitKind::Stratified) {
        MARTLET_TRY_SET(classes, by_class(order, target));
      }
      std::size_t next = 0;
      for (const Rows& one : classes) {
        for (const std::uint32_t row : one) fold_of[row] = next++ % count;
      }
    }
    result.resize(count);
    for (std::size_t row = 0; row < fold_of.size(); ++row) {
      for (std::size_t fold = 0; fold < count; ++fold) {
        (fold_of[row] == fold ? result[fold].test : result[fold].train)
            .push_back(static_cast<std::uint32_t>(row));
      }
    }
  }
  for (const Fold& fold : result) {
    if (fold.train.empty() || fold.test.empty()) {
      return invalid_argument(
          fmt::format("{} folds by {} leave one without rows; take fewer", folds, name_of(kind)));
    }
  }
  return result;
}

}  // namespace martlet::evaluation
