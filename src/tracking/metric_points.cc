#include "tracking/internal/metric_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <tuple>

namespace martlet::tracking {

namespace {

using metadata::equal;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

static_assert(std::endian::native == std::endian::little,
              "chunks are written as memory holds them");

constexpr std::size_t kPointBytes = 24;
constexpr std::size_t kChunkBytes = 256 * kPointBytes;  // a chunk below this size is added to

// Doubles as integers that sort alike: -0 is 0, every NaN is the greatest.
std::int64_t ordinal_of(double value) {
  if (value != value) return std::numeric_limits<std::int64_t>::max();
  const auto bits = std::bit_cast<std::int64_t>(value == 0 ? 0.0 : value);
  return bits >= 0 ? bits : std::numeric_limits<std::int64_t>::min() - bits;
}

void append(std::string& bytes, const Metric& point) {
  const std::size_t begin = bytes.size();
  bytes.resize(begin + kPointBytes);
  std::memcpy(bytes.data() + begin, &point.at.micros, 8);
  std::memcpy(bytes.data() + begin + 8, &point.step, 8);
  std::memcpy(bytes.data() + begin + 16, &point.value, 8);
}

Metric point_at(const std::string& key, const char* bytes) {
  Metric point;
  point.key = key;
  std::memcpy(&point.at.micros, bytes, 8);
  std::memcpy(&point.step, bytes + 8, 8);
  std::memcpy(&point.value, bytes + 16, 8);
  return point;
}

auto identity_of(const Metric& point) {
  return std::tuple(point.at.micros, point.step, ordinal_of(point.value));
}

Result<void> write_key(Transaction& tx, const RunRecord& run, const std::string& key,
                       std::span<const Metric* const> points) {
  MARTLET_TRY_SET(std::optional<MetricRecord> latest, tx.get<MetricRecord>(run.id, key));
  MetricChunkRecord chunk{run.id, key, 1, {}};
  if (latest.has_value()) {
    chunk.number = latest->last_chunk;
    if (chunk.number > 0) {
      MARTLET_TRY_SET(chunk,
                      tx.require<MetricChunkRecord>("chunk of points", run.id, key, chunk.number));
    }
    if (chunk.number == 0 || chunk.points.bytes.size() >= kChunkBytes)
      chunk = {run.id, key, chunk.number + 1, {}};
  } else {
    const Metric& first = *points.front();
    latest = MetricRecord{run.id,      key, first.value, first.step, first.at, run.experiment,
                          run.started, 0};
  }
  for (const Metric* point : points) {
    append(chunk.points.bytes, *point);
    if (!is_later(*point, {key, latest->value, latest->step, latest->at})) continue;
    latest->value = point->value;
    latest->step = point->step;
    latest->at = point->at;
  }
  latest->last_chunk = chunk.number;
  MARTLET_TRY(tx.put(chunk));
  return tx.put(*latest);
}

}  // namespace

bool same_point(const Metric& a, const Metric& b) { return identity_of(a) == identity_of(b); }

Result<void> write_points(Transaction& tx, const RunRecord& run, std::span<const Metric> points) {
  std::map<std::string_view, std::vector<const Metric*>> by_key;
  for (const Metric& point : points) by_key[point.key].push_back(&point);
  for (const auto& [key, of_key] : by_key)
    MARTLET_TRY(write_key(tx, run, std::string(key), of_key));
  return {};
}

Result<std::vector<Metric>> read_points(const ReadTransaction& tx, const RunId& run,
                                        const std::string& key) {
  MARTLET_TRY_SET(const auto chunks,
                  tx.select<MetricChunkRecord>(
                      Query(equal("run", run) && equal("key", key)).order_by("number")));
  std::vector<Metric> points;
  for (const MetricChunkRecord& chunk : chunks) {
    const std::string& bytes = chunk.points.bytes;
    if (bytes.size() % kPointBytes != 0) {
      return corrupt(fmt::format("chunk {} of metric {} of run {} has {} bytes, which is no number "
                                 "of points; restore the store from a backup",
                                 chunk.number, key, run.text(), bytes.size()));
    }
    for (std::size_t at = 0; at < bytes.size(); at += kPointBytes)
      points.push_back(point_at(key, bytes.data() + at));
  }
  const auto before = [](const Metric& a, const Metric& b) {
    return identity_of(a) < identity_of(b);
  };
  if (!std::is_sorted(points.begin(), points.end(), before))
    std::sort(points.begin(), points.end(), before);
  points.erase(std::unique(points.begin(), points.end(), same_point), points.end());
  return points;
}

}  // namespace martlet::tracking
