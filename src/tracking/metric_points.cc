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
// A chunk with fewer points is added to, which writes all of it again; so many at once make a chunk
// of their own, without a look at the last one.
constexpr std::size_t kChunkPoints = 32;

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

using Points = std::vector<const Metric*>;

bool fill_a_chunk(const Points& points) { return points.size() >= kChunkPoints; }

Query last_chunk_of(const RunId& run, const std::string& key) {
  return Query(equal("run", run) && equal("key", key))
      .order_by("number", metadata::Order::Descending)
      .limit(1);
}

std::map<std::string, Points> by_key(std::span<const Metric> points) {
  std::map<std::string, Points> sorted;
  for (const Metric& point : points) sorted[point.key].push_back(&point);
  return sorted;
}

// What becomes of a metric of a run.
struct Written {
  MetricRecord latest;
  MetricChunkRecord chunk;
};

Result<Written> append_to(const ReadTransaction& tx, const RunRecord& run, const std::string& key,
                          const Points& points) {
  const Metric& first = *points.front();
  Written written{{run.id, key, first.value, first.step, first.at, run.experiment, run.started, 0},
                  {}};
  MARTLET_TRY_SET(std::optional<MetricRecord> latest, tx.get<MetricRecord>(run.id, key));
  if (latest.has_value()) written.latest = std::move(*latest);
  if (!fill_a_chunk(points)) {
    MARTLET_TRY_SET(std::vector<MetricChunkRecord> chunks,
                    tx.select<MetricChunkRecord>(last_chunk_of(run.id, key)));
    if (!chunks.empty() && chunks.front().points.bytes.size() < kChunkPoints * kPointBytes)
      written.chunk = std::move(chunks.front());
  }
  if (written.chunk.number == 0) written.chunk = {run.id, key, written.latest.last_chunk + 1, {}};
  for (const Metric* point : points) {
    append(written.chunk.points.bytes, *point);
    MetricRecord& now = written.latest;
    if (!is_later(*point, {key, now.value, now.step, now.at})) continue;
    now.value = point->value;
    now.step = point->step;
    now.at = point->at;
  }
  written.latest.last_chunk = written.chunk.number;
  return written;
}

}  // namespace

bool same_point(const Metric& a, const Metric& b) { return identity_of(a) == identity_of(b); }

void expect_points(const ReadTransaction& tx, const RunId& run, std::span<const Metric> points) {
  for (const auto& [key, of_key] : by_key(points)) {
    tx.expect<MetricRecord>(run, key);
    if (!fill_a_chunk(of_key)) tx.expect_all<MetricChunkRecord>(last_chunk_of(run, key));
  }
}

Result<void> write_points(Transaction& tx, const RunRecord& run, std::span<const Metric> points) {
  std::vector<Written> all;  // reading all comes first: see ReadTransaction::expect()
  for (const auto& [key, of_key] : by_key(points)) {
    MARTLET_TRY_SET(Written written, append_to(tx, run, key, of_key));
    all.push_back(std::move(written));
  }
  for (const Written& written : all) {
    MARTLET_TRY(tx.put(written.chunk));
    MARTLET_TRY(tx.put(written.latest));
  }
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
