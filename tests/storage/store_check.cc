#include "storage/store_check.h"

#include "artifacts/directory_blob_store.h"
#include "lifecycle/verify.h"
#include "metadata/database.h"
#include "storage/check_parts.h"

#include <fmt/format.h>

#include <chrono>

namespace martlet::storage {

std::string to_text(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations) text += violation.invariant + ": " + violation.message + "\n";
  return text;
}

namespace {

Result<void> check_database(World& world, CheckReport& report) {
  MARTLET_TRY_SET(const std::vector<Finding> findings, world.database().check_integrity());
  for (const Finding& finding : findings) report.violations.push_back({"I3", finding.message});
  MARTLET_TRY_SET(const std::vector<Finding> audit,
                  world.database().read([](const metadata::ReadTransaction& tx) { return metadata::verify_audit(tx); }));
  for (const Finding& finding : audit) report.violations.push_back({"I5", finding.message});
  return {};
}

Result<void> check_blobs(World& world, const std::set<Digest>& referenced, CheckReport& report) {
  for (const Digest& digest : referenced) {
    const auto bytes = world.blobs().get(digest);
    ++report.blobs;
    if (!bytes.has_value())
      report.violations.push_back({"I4", "a blob that a record refers to: " + bytes.error().message()});
    else if (digest_of(*bytes) != digest)
      report.violations.push_back({"I4", "blob " + digest.text() + " was given out with other bytes than its own"});
  }
  MARTLET_TRY_SET(const std::vector<artifacts::StoredBlob> stored, world.blobs().list());
  for (const artifacts::StoredBlob& blob : stored) {
    if (referenced.contains(blob.digest)) continue;
    ++report.garbage;
    // Nobody needs it, but a blob is there whole or not at all.
    if (const auto whole = world.blobs().verify(blob.digest); !whole.has_value())
      report.violations.push_back({"I2", "a blob without a record: " + whole.error().message()});
  }
  return {};
}

// What a killed process leaves is found and removed, and then nothing is left.
Result<void> check_leftovers(World& world, CheckReport& report) {
  const std::string root = join_path(world.store().directory(), "blobs");
  MARTLET_TRY_SET(const auto blobs, artifacts::DirectoryBlobStore::open(world.files(), root));
  MARTLET_TRY_SET(report.leftovers, blobs->remove_leftovers());
  MARTLET_TRY_SET(const std::vector<std::string> folders, world.files().list(root));
  for (const std::string& folder : folders) {
    std::vector<std::string> names{folder};
    if (folder.size() == 2) {
      MARTLET_TRY_SET(names, world.files().list(join_path(root, folder)));
    }
    for (const std::string& name : names) {
      if (name.size() != 62 || name.find_first_not_of("0123456789abcdef") != std::string::npos)
        report.violations.push_back({"I8", "blobs/" + folder + " holds " + name + ", which is no blob"});
    }
  }
  MARTLET_TRY_SET(const std::vector<std::string> names, world.files().list(world.store().directory()));
  for (const std::string& name : names) {
    static const std::set<std::string> kKnown{"metadata.db", "metadata.db-wal", "metadata.db-shm", "blobs",
                                              "logs",        "predictions",     "tmp",             "collection.lock"};
    if (!kKnown.contains(name)) report.violations.push_back({"I8", "the store holds a file " + name});
  }
  return {};
}

// What martlet itself says of the store, without knowing what was acknowledged.
Result<void> check_as_verify_does(World& world, CheckReport& report) {
  lifecycle::VerifyOptions options;
  options.depth = lifecycle::VerifyOptions::Depth::Quick;  // blobs were read and hashed already
  MARTLET_TRY_SET(const lifecycle::VerifyReport verified, lifecycle::verify_store(world.store(), options));
  for (const lifecycle::Damage& damage : verified.damages)
    report.violations.push_back({"verify", damage.rule + ": " + damage.message});
  return {};
}

}  // namespace

Result<CheckReport> check_store(World& world, const std::vector<Json>& ledger) {
  CheckReport report;
  Expectation expected(ledger);
  report.operations = static_cast<std::int64_t>(expected.operations().size());
  for (const auto& [number, told] : expected.operations()) report.acknowledged += told.result.empty() ? 0 : 1;
  std::set<Digest> referenced;
  MARTLET_TRY(check_database(world, report));
  MARTLET_TRY(check_runs(world, expected, referenced, report));
  MARTLET_TRY(check_models(world, expected, referenced, report));
  MARTLET_TRY(check_datasets(world, expected, referenced, report));
  MARTLET_TRY(check_truth(world, expected, report));
  MARTLET_TRY(check_predictions(world, expected, report));
  MARTLET_TRY(check_pipelines(world, expected, referenced, report));
  MARTLET_TRY(check_claims(world, expected, report));
  MARTLET_TRY(check_blobs(world, referenced, report));
  MARTLET_TRY(check_leftovers(world, report));
  MARTLET_TRY(check_as_verify_does(world, report));
  return report;
}

CheckReport check_directory(FileSystem& files, const std::string& directory, const std::vector<Json>& ledger,
                            std::uint64_t seed, Bug bug) {
  CheckReport report;
  const auto began = std::chrono::steady_clock::now();
  auto world = World::open(files, {.directory = directory, .seed = seed, .bug = bug});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (!world.has_value()) {
    report.violations.push_back({"I9", "the store doesn't open: " + world.error().message()});
    return report;
  }
  auto checked = check_store(**world, ledger);
  if (checked.has_value()) {
    report = std::move(*checked);
  } else {
    report.violations.push_back({"I1", "the store can't be read: " + checked.error().message()});
  }
  if (seconds > 5) report.violations.push_back({"I9", fmt::format("it took {:.1f} s until the store was open", seconds)});
  return report;
}

}  // namespace martlet::storage
