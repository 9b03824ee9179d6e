// Runs, what they logged, and their artifacts.
#include "artifacts/blob_store.h"
#include "storage/check_parts.h"
#include "storage/content.h"

#include <fmt/format.h>

#include <cmath>

namespace martlet::storage {

namespace {

struct Count {
  std::int64_t found = 0;
  std::int64_t wanted = 0;
  void add(bool is_there) {
    ++wanted;
    found += is_there ? 1 : 0;
  }
};

template <class Map>
bool holds(const Map& map, const std::string& key, const std::string& value) {
  const auto found = map.find(key);
  return found != map.end() && found->second == value;
}

// How much of a batch is there, keys that operations share left out.
void count_batch(const tracking::Run& run, const tracking::RunBatch& batch, Count& count) {
  for (const auto& [key, value] : batch.params) count.add(holds(run.params, key, value));
  for (const auto& [key, value] : batch.tags) {
    if (key != "last") count.add(holds(run.tags, key, value));
  }
  for (const tracking::Metric& metric : batch.metrics) {
    if (metric.key == "loss") continue;
    const auto found = run.metrics.find(metric.key);
    count.add(found != run.metrics.end() && found->second.value == metric.value && found->second.step == metric.step);
  }
  for (const tracking::DatasetInput& input : batch.inputs) {
    bool there = false;
    for (const tracking::DatasetInput& one : run.inputs) there = there || (one.name == input.name && one.digest == input.digest);
    count.add(there);
  }
}

void count_artifact(World& world, const tracking::Run& run, const std::string& path, const std::string& bytes, Count& count,
                    CheckReport& report) {
  for (const tracking::Artifact& artifact : run.artifacts) {
    if (artifact.path != path) continue;
    count.add(true);
    const auto stored = world.blobs().get(artifact.digest);
    // A missing or damaged blob is told by the check of blobs.
    if (stored.has_value() && *stored != bytes)
      report.violations.push_back({"I1", "artifact " + path + " holds other bytes than were logged"});
    return;
  }
  count.add(false);
}

// Writes of one worker to one thing follow each other: what stands there is the last that was acknowledged, or a later
// one that may have happened.
void check_last(const tracking::Run& run, std::int64_t last_kept, const Expectation& expected, CheckReport& report) {
  const auto tag = run.tags.find("last");
  const std::int64_t number = tag == run.tags.end() ? 0 : operation_of(tag->second);
  const Told* told = expected.find(number);
  if (number < last_kept || told == nullptr || told->fate == Fate::Absent)
    report.violations.push_back({"I6", fmt::format("tag \"last\" of {} says \"{}\", but {} was acknowledged", run.name,
                                                   mark_of(number), mark_of(last_kept))});
  const auto loss = run.metrics.find("loss");
  if (loss == run.metrics.end() || loss->second.step < last_kept)
    report.violations.push_back({"I6", fmt::format("metric \"loss\" of {} is older than {}, which was acknowledged", run.name,
                                                   mark_of(last_kept))});
}

}  // namespace

Result<void> check_runs(World& world, Expectation& expected, std::set<Digest>& referenced, CheckReport& report) {
  tracking::RunSearch everything;
  everything.view = tracking::View::All;
  everything.limit = 1'000'000;
  MARTLET_TRY_SET(const tracking::RunPage page, world.tracker().search(everything));
  // A page's runs come without their artifacts.
  std::vector<tracking::Run> all;
  for (const tracking::Run& found : page.runs) {
    MARTLET_TRY_SET(tracking::Run whole, world.tracker().run(found.id));
    all.push_back(std::move(whole));
  }
  std::map<std::int64_t, const tracking::Run*> runs;
  for (const tracking::Run& run : all) {
    expected.must_be_explained(report, operation_of(run.name), "start_run", "run " + run.name);
    runs[operation_of(run.name)] = &run;
    for (const tracking::Artifact& artifact : run.artifacts) referenced.insert(artifact.digest);
  }
  std::map<std::int64_t, std::int64_t> last_kept;
  const tracking::Run none;
  for (const auto& [number, told] : expected.operations()) {
    const std::string op = told.op();
    const std::int64_t owner = op == "start_run" ? number : told.intent.value("run", std::int64_t{0});
    if (owner == 0) continue;
    const auto found = runs.find(owner);
    const tracking::Run& run = found == runs.end() ? none : *found->second;
    Count count;
    if (op == "start_run") {
      count.add(found != runs.end() && run.facts.value("operation", std::int64_t{0}) == number);
      count_batch(run, batch_of(number), count);
    } else if (op == "log") {
      count_batch(run, batch_of(number), count);
    } else if (op == "artifact" || op == "artifact_file") {
      count_artifact(world, run, fmt::format("a/{}", number), bytes_of(number), count, report);
    } else if (op == "blobs") {
      for (int part = 0; part < 4; ++part)
        count_artifact(world, run, fmt::format("a/{}/{}", number, part), bytes_of(number, part), count, report);
    } else if (op == "end_run") {
      count.add(run.status == tracking::RunStatus::Finished && run.ended.has_value());
    } else {
      continue;
    }
    expected.observe(report, number, count.found, count.wanted, "pieces", op != "blobs");
    if (told.fate == Fate::Kept && (op == "log" || op == "start_run")) last_kept[owner] = number;
  }
  for (const auto& [owner, number] : last_kept) {
    if (runs.contains(owner)) check_last(*runs.at(owner), number, expected, report);
  }
  return {};
}

}  // namespace martlet::storage
