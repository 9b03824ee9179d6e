// Durable writes per second: a bare write and fdatasync, one writer, and 64 writers that share
// commits, in rounds of one run on the disk of the current directory. Goals: 64 writers at least 20
// times one writer; one writer at most 1.3 times a bare fdatasync.
#include "metadata/database.h"
#include "platform/real_file_system.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace martlet::metadata {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr auto kStretch = std::chrono::milliseconds(1500);  // of one measurement
constexpr int kRounds = 5;
constexpr int kManyWriters = 64;
// What a commit of one record adds to the log: a leaf page, the root of the key's index and the
// frames' headers.
constexpr std::size_t kCommitBytes = 2 * (4096 + 24);

struct NoteRecord {
  std::int64_t number = 0;
  std::string text;
  static constexpr RecordInfo kRecord{"notes", "number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("number", self.number);
    field("text", self.text);
  }
};

SchemaGroup note_schema() {
  return {"notes",
          {{1, "notes", [](SchemaEditor& schema) { return schema.create_table<NoteRecord>(); }}}};
}

double per_second(std::int64_t done, std::chrono::steady_clock::time_point begin) {
  return static_cast<double>(done) / Seconds(std::chrono::steady_clock::now() - begin).count();
}

// Writes in place, as SQLite's log does once it has reached its size: the cheapest durable write
// that there is.
double bare_syncs(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::string bytes(kCommitBytes, 'x');
  constexpr off_t kPlaces = 256;
  for (off_t i = 0; i < kPlaces; ++i)
    (void)!::pwrite(file, bytes.data(), bytes.size(), i * static_cast<off_t>(bytes.size()));
  (void)::fsync(file);
  std::int64_t done = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < kStretch) {
    (void)!::pwrite(file, bytes.data(), bytes.size(),
                    (done % kPlaces) * static_cast<off_t>(bytes.size()));
    if (::fdatasync(file) != 0) break;
    ++done;
  }
  const double rate = per_second(done, begin);
  ::close(file);
  return rate;
}

double writes(Database& database, int writers, std::atomic<std::int64_t>& next) {
  std::atomic<std::int64_t> done{0};
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      const std::string text(100, 'x');
      while (std::chrono::steady_clock::now() - begin < kStretch) {
        const NoteRecord record{next.fetch_add(1), text};
        if (!database.write([&](Transaction& tx) { return tx.insert(record); }).has_value()) return;
        done.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return per_second(done, begin);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void group_commit(benchmark::State& state) {
  auto directory = platform::TemporaryDirectory::create(".", "group-commit-");
  if (!directory.has_value()) return state.SkipWithError(directory.error().message().c_str());
  auto database = Database::open(directory->path() + "/metadata.db", {.schema = {note_schema()}});
  if (!database.has_value()) return state.SkipWithError(database.error().message().c_str());
  std::atomic<std::int64_t> next{0};
  std::vector<double> bare;
  std::vector<double> one;
  std::vector<double> many;
  std::vector<double> group;
  for (auto _ : state) {
    writes(**database, kManyWriters, next);  // the log reaches its size
    for (int round = 0; round < kRounds; ++round) {
      bare.push_back(bare_syncs(directory->path() + "/bare"));
      one.push_back(writes(**database, 1, next));
      const WriteCounts before = (*database)->write_counts();
      many.push_back(writes(**database, kManyWriters, next));
      const WriteCounts after = (*database)->write_counts();
      group.push_back(static_cast<double>(after.writes - before.writes) /
                      static_cast<double>(after.commits - before.commits));
    }
  }
  state.counters["bare_per_s"] = median(bare);
  state.counters["one_per_s"] = median(one);
  state.counters["many_per_s"] = median(many);
  state.counters["one_in_bare"] = median(bare) / median(one);
  state.counters["many_by_one"] = median(many) / median(one);
  state.counters["per_commit"] = median(group);
}
BENCHMARK(group_commit)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace martlet::metadata
