// Dataset versions, ground truth, the prediction log, and claims.
#include "data/version_store.h"
#include "metadata/claims.h"
#include "metadata/database.h"
#include "storage/check_parts.h"
#include "storage/content.h"

#include <fmt/format.h>

#include <limits>

namespace martlet::storage {

Result<void> check_datasets(World& world, Expectation& expected, std::set<Digest>& referenced, CheckReport& report) {
  const data::VersionStore store(world.database(), world.blobs(), world.files(), world.clock(),
                                 world.store().scratch_directory());
  MARTLET_TRY_SET(const std::vector<Digest> needed, store.referenced_blobs());
  referenced.insert(needed.begin(), needed.end());
  std::map<std::int64_t, data::DatasetVersion> found;
  MARTLET_TRY_SET(const auto datasets, store.list());
  for (const data::DatasetSummary& dataset : datasets) {
    MARTLET_TRY_SET(const auto versions, store.versions(dataset.dataset));
    auto number = static_cast<std::int64_t>(versions.size());
    for (const data::DatasetVersion& version : versions) {
      const std::int64_t operation =
          version.provenance.files.empty() ? 0 : operation_of(version.provenance.files.front().path);
      const Told* told = expected.find(operation);
      expected.must_be_explained(report, operation,
                                 told != nullptr && told->op() == "append_dataset" ? "append_dataset" : "dataset",
                                 "dataset version " + version.name());
      if (version.number != number--) report.violations.push_back({"I2", version.name() + ": numbers have a gap"});
      if (found.contains(operation)) report.violations.push_back({"I7", mark_of(operation) + " made two dataset versions"});
      found[operation] = version;
    }
  }
  for (const auto& [number, told] : expected.operations()) {
    if (told.op() != "dataset" && told.op() != "append_dataset") continue;
    const auto version = found.find(number);
    expected.observe(report, number, version == found.end() ? 0 : 1, 1, "dataset versions");
    if (version == found.end() || !told.result.contains("digest")) continue;
    if (version->second.digest.text() != told.result.at("digest") || version->second.number != told.result.at("number"))
      report.violations.push_back({"I1", mark_of(number) + " is another dataset version than was acknowledged"});
  }
  return {};
}

Result<void> check_truth(World& world, Expectation& expected, CheckReport& report) {
  std::map<std::string, std::int64_t> last_kept;
  for (const auto& [number, told] : expected.operations()) {
    if (told.op() != "truth") continue;
    const std::vector<monitoring::Truth> truths = truths_of(number);
    std::vector<std::string> keys;
    for (const monitoring::Truth& truth : truths) keys.push_back(truth.key);
    MARTLET_TRY_SET(const auto found, world.truth().find(keys));
    std::int64_t there = 0;
    for (const monitoring::Truth& truth : truths) {
      const auto one = found.find(truth.key);
      there += one != found.end() && one->second.actual == truth.actual && one->second.known_at == truth.known_at ? 1 : 0;
    }
    const std::string shared = fmt::format("shared-w{}", told.worker());
    const Fate fate = told.fate;
    expected.observe(report, number, there, static_cast<std::int64_t>(truths.size()), "records");
    // What is there whole must show in what it corrected, too.
    if (fate == Fate::Kept || there == static_cast<std::int64_t>(truths.size())) last_kept[shared] = number;
  }
  for (const auto& [key, number] : last_kept) {
    const std::vector<std::string> keys{key};
    MARTLET_TRY_SET(const auto found, world.truth().find(keys));
    if (!found.contains(key) || found.at(key).actual != static_cast<double>(number))
      report.violations.push_back({"I6", fmt::format("the truth of {} isn't that of {}, the last that is there", key, mark_of(number))});
  }
  return {};
}

Result<void> check_predictions(World& world, Expectation& expected, CheckReport& report) {
  std::map<std::string, std::int64_t> seen;
  if (world.files().exists(world.predictions_directory())) {
    const auto read = monitoring::read_predictions(
        world.files(), world.predictions_directory(), Timestamp{0}, Timestamp{std::numeric_limits<std::int64_t>::max() / 2},
        [&](const columns::Schema&, monitoring::Prediction prediction) -> Result<void> {
          ++seen[prediction.id];
          return {};
        });
    if (!read.has_value()) report.violations.push_back({"I1", "the prediction log: " + read.error().message()});
  }
  std::int64_t explained = 0;
  for (const auto& [number, told] : expected.operations()) {
    if (told.op() != "predictions") continue;
    std::int64_t there = 0;
    for (int part = 0; part < predictions_of(number); ++part) {
      const auto found = seen.find(prediction_id(number, part));
      if (found == seen.end()) continue;
      ++there;
      explained += found->second;
      if (found->second > 1) report.violations.push_back({"I7", found->first + " is in the prediction log twice"});
    }
    expected.observe(report, number, there, predictions_of(number), "predictions", false);
  }
  std::int64_t all = 0;
  for (const auto& [id, count] : seen) all += count;
  if (all != explained) report.violations.push_back({"I2", "the prediction log holds entries that nobody made"});
  return {};
}

Result<void> check_claims(World& world, Expectation& expected, CheckReport& report) {
  std::map<int, std::pair<std::int64_t, std::int64_t>> last;  // by worker: the operation and its token
  for (const auto& [number, told] : expected.operations()) {
    if (told.op() == "fenced_write" && told.result.contains("token"))
      last[told.worker()] = {number, told.result.at("token").get<std::int64_t>()};
  }
  for (const auto& [worker, kept] : last) {
    const auto read = [&, worker = worker](const std::string& what) {
      return world.database().read([&](const metadata::ReadTransaction& tx) {
        return tx.get<metadata::ClaimRecord>(fmt::format("{}-w{}", what, worker));
      });
    };
    MARTLET_TRY_SET(const auto claim, read("claim"));
    MARTLET_TRY_SET(const auto result, read("result"));
    if (!claim.has_value() || claim->token < kept.second)
      report.violations.push_back({"I6", fmt::format("the token of claim-w{} went back below {}", worker, kept.second)});
    if (!result.has_value() || operation_of(result->owner) < kept.first)
      report.violations.push_back({"I6", fmt::format("the result under claim-w{} is \"{}\", not that of {} or later", worker,
                                                     result.has_value() ? result->owner : "", mark_of(kept.first))});
  }
  return {};
}

}  // namespace martlet::storage
