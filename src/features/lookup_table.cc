#include "features/lookup_table.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace martlet::features {
namespace {

using columns::Batch;
using columns::Cell;
using columns::Column;
using columns::Type;

std::uint64_t mix(std::uint64_t value) {  // the finaliser of splitmix64
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

constexpr double kTwoTo63 = 9223372036854775808.0;

// A number that is whole hashes and compares as the integer, so that 7 finds 7.0.
bool as_whole(double number, std::int64_t& whole) {
  if (!(number >= -kTwoTo63 && number < kTwoTo63) || number != std::floor(number)) return false;
  whole = static_cast<std::int64_t>(number);
  return true;
}

std::uint64_t hash_of(const Cell& cell) {
  switch (cell.type) {
    case Type::Text: return std::hash<std::string_view>{}(cell.text);
    case Type::Bool: return mix(cell.boolean ? 2 : 1);
    case Type::Double: {
      std::int64_t whole = 0;
      if (as_whole(cell.number, whole)) return mix(static_cast<std::uint64_t>(whole));
      return std::hash<double>{}(cell.number);
    }
    default: return mix(static_cast<std::uint64_t>(cell.integer));
  }
}

bool same_key(const Cell& a, const Cell& b) {
  if (a.type == Type::Double || b.type == Type::Double) {
    if (a.type == b.type) return a.number == b.number;
    const Cell& real = a.type == Type::Double ? a : b;
    const Cell& integer = a.type == Type::Double ? b : a;
    std::int64_t whole = 0;
    return integer.type == Type::Int64 && as_whole(real.number, whole) && whole == integer.integer;
  }
  if (a.type != b.type) return false;
  if (a.type == Type::Text) return a.text == b.text;
  if (a.type == Type::Bool) return a.boolean == b.boolean;
  return a.integer == b.integer;
}

bool is_absent(const Cell& cell) {
  return cell.missing || (cell.type == Type::Double && std::isnan(cell.number));
}

std::uint64_t hash_of(std::span<const Cell> key) {
  std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
  for (const Cell& cell : key) hash = mix(hash ^ hash_of(cell));
  return hash;
}

bool same_row(const std::vector<Column>& keys, std::size_t row, std::span<const Cell> key) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!same_key(keys[i].cell(row), key[i])) return false;
  }
  return true;
}

class Reader {
 public:
  Reader(const LookupConfig& config, const Batch& rows) : config_(config), rows_(rows) {}

  const Column* column(const std::string& name, const char* setting) {
    const Column* found = rows_.find(name);
    if (found == nullptr) {
      const auto names = rows_.schema().names();
      report(setting, "unknown_column",
             "dataset " + config_.dataset + " has no column \"" + name + "\"" +
                 did_you_mean(name, names));
    }
    return found;
  }

  // Microseconds; missing rows keep what the storage holds and are left out by the caller.
  std::vector<std::int64_t> times(const Column& column, const std::string& name,
                                  const char* setting, const Zone& zone) {
    if (column.type() == Type::Timestamp) return {column.int64s().begin(), column.int64s().end()};
    std::vector<std::int64_t> micros(column.size());
    if (column.type() == Type::Date) {
      constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / kMicrosPerDay - 1;
      const auto days = column.int64s();
      for (std::size_t i = 0; i < days.size(); ++i) {
        const std::int64_t day = std::clamp(days[i], -limit, limit);
        micros[i] = zone.instant_of_local_micros(day * kMicrosPerDay).micros;
      }
    } else if (column.missing_count() != column.size()) {
      report(setting, "wrong_type",
             "column \"" + name + "\" of dataset " + config_.dataset + " is " +
                 std::string(columns::name_of(column.type())) +
                 "; a look-up needs a timestamp or a date there (cast it in the dataset's SQL)");
    }
    return micros;
  }

  std::vector<Finding> findings;

 private:
  void report(const char* setting, std::string rule, std::string message) {
    const Yaml& where = config_.where;
    findings.push_back({"features.lookups." + config_.name + "." + setting, std::move(rule),
                        std::move(message), where.file(), where.line(), where.column()});
  }
  const LookupConfig& config_;
  const Batch& rows_;
};

}  // namespace

Result<std::shared_ptr<const LookupTable>> LookupTable::build(const LookupConfig& config,
                                                              const Batch& rows,
                                                              std::string version,
                                                              const Zone& zone) {
  Reader read(config, rows);
  std::vector<Column> keys;
  std::vector<Column> features;
  for (const LookupKey& key : config.keys) {
    if (const Column* column = read.column(key.column, "key")) keys.push_back(*column);
  }
  for (const std::string& name : config.features) {
    if (const Column* column = read.column(name, "features")) features.push_back(*column);
  }
  const Column* at_column = read.column(config.at, "at");
  const bool has_known = !config.known_at.empty() && config.known_at != config.at;
  const Column* known_column = has_known ? read.column(config.known_at, "known_at") : nullptr;
  std::vector<std::int64_t> at;
  std::vector<std::int64_t> known;
  if (at_column != nullptr) at = read.times(*at_column, config.at, "at", zone);
  if (known_column != nullptr) known = read.times(*known_column, config.known_at, "known_at", zone);
  if (!read.findings.empty()) return invalid("look-up " + config.name, std::move(read.findings));
  if (rows.rows() >= std::numeric_limits<std::uint32_t>::max())
    return invalid_argument("look-up " + config.name +
                            ": more than 2^32 - 2 rows; look up in a smaller dataset");

  auto table = std::make_shared<LookupTable>(Private());
  table->config_ = config;
  table->version_ = std::move(version);

  // Groups in the order of their first row; slots_ finds them by a representative row of the
  // unsorted columns first.
  std::size_t capacity = 16;
  while (capacity < rows.rows() * 2) capacity *= 2;
  table->slots_.assign(capacity, 0);
  std::vector<std::uint32_t> kept;
  std::vector<std::uint32_t> group_of_row(rows.rows());
  std::vector<std::uint32_t> first_row;
  std::vector<Cell> key(keys.size());
  for (std::uint32_t row = 0; row < rows.rows(); ++row) {
    bool absent = at_column->is_missing(row) || (has_known && known_column->is_missing(row));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      key[i] = keys[i].cell(row);
      absent = absent || is_absent(key[i]);
    }
    if (absent) {
      ++table->left_out_;
      continue;
    }
    std::size_t slot = hash_of(key) & (capacity - 1);
    while (table->slots_[slot] != 0 && !same_row(keys, first_row[table->slots_[slot] - 1], key))
      slot = (slot + 1) & (capacity - 1);
    if (table->slots_[slot] == 0) {
      first_row.push_back(row);
      table->slots_[slot] = static_cast<std::uint32_t>(first_row.size());
    }
    group_of_row[row] = table->slots_[slot] - 1;
    kept.push_back(row);
  }

  std::sort(kept.begin(), kept.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (group_of_row[a] != group_of_row[b]) return group_of_row[a] < group_of_row[b];
    if (at[a] != at[b]) return at[a] < at[b];
    if (has_known && known[a] != known[b]) return known[a] < known[b];
    return a < b;
  });
  table->groups_.resize(first_row.size());
  for (std::uint32_t i = 0; i < kept.size(); ++i) {
    Group& group = table->groups_[group_of_row[kept[i]]];
    if (group.end == 0) {
      group.begin = i;
    } else if (has_known && known[kept[i]] < known[kept[i - 1]]) {
      group.known_in_order = false;
    }
    group.end = i + 1;
    table->at_.push_back(at[kept[i]]);
    if (has_known) table->known_at_.push_back(known[kept[i]]);
  }
  for (const Column& column : keys) table->keys_.push_back(column.take(kept));
  for (const Column& column : features) table->features_.push_back(column.take(kept));
  return std::shared_ptr<const LookupTable>(std::move(table));
}

std::vector<Type> LookupTable::key_types() const {
  std::vector<Type> types;
  for (const Column& key : keys_) types.push_back(key.type());
  return types;
}

const LookupTable::Group* LookupTable::group_of(std::span<const Cell> key) const {
  std::size_t slot = hash_of(key) & (slots_.size() - 1);
  while (slots_[slot] != 0) {
    const Group& group = groups_[slots_[slot] - 1];
    if (same_row(keys_, group.begin, key)) return &group;
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return nullptr;
}

std::optional<std::uint32_t> LookupTable::find(std::span<const Cell> key,
                                               Timestamp decided_at) const {
  for (const Cell& cell : key) {
    if (is_absent(cell)) return std::nullopt;
  }
  const Group* group = group_of(key);
  if (group == nullptr) return std::nullopt;
  const std::int64_t now = decided_at.micros;
  const auto last_not_after = [&](const std::vector<std::int64_t>& times) {
    return static_cast<std::uint32_t>(
        std::upper_bound(times.begin() + group->begin, times.begin() + group->end, now) -
        times.begin());
  };
  std::uint32_t end = last_not_after(at_);
  if (!known_at_.empty()) {
    if (group->known_in_order) {
      end = std::min(end, last_not_after(known_at_));
    } else {
      while (end > group->begin && known_at_[end - 1] > now) --end;
    }
  }
  if (end == group->begin) return std::nullopt;
  const std::uint32_t row = end - 1;
  // Unsigned, since the difference of two instants may exceed 64 signed bits; it isn't negative.
  const std::uint64_t age = static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(at_[row]);
  if (config_.max_age && age > static_cast<std::uint64_t>(config_.max_age->count()))
    return std::nullopt;
  return row;
}

}  // namespace martlet::features
