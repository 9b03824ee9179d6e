#include "lifecycle/verify.h"

#include "artifacts/durable_blob_store.h"
#include "data/references.h"
#include "lifecycle/packages.h"
#include "lifecycle/process_identity.h"
#include "lifecycle/store_files.h"
#include "lifecycle/store_needs.h"
#include "metadata/audit.h"
#include "metadata/database.h"
#include "metadata/place.h"
#include "monitoring/segment_check.h"
#include "workflow/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace martlet::lifecycle {

namespace {

using artifacts::BlobHolder;
using artifacts::BlobReference;

constexpr const char* kRestore =
    "restore the store from a backup (`martlet restore BACKUP --store DIR`)";
constexpr std::size_t kMaxObjects = 20;  // named of one damage

// "model version churn/3" as a holder.
BlobHolder object_of(const std::string& path) { return {"", path, ""}; }

class Verifier {
 public:
  Verifier(const Store& store, const VerifyOptions& options) : store_(store), options_(options) {}

  Result<VerifyReport> run() {
    const auto began = store_.host().clock.monotonic();
    check_database();
    check_records();
    check_audit();
    note_interrupted_runs();
    MARTLET_TRY(check_blobs());
    if (options_.depth == VerifyOptions::Depth::Full) {
      open_packages();
      check_parts();
    }
    MARTLET_TRY(check_segments());
    MARTLET_TRY(count_leftovers());
    report_.seconds =
        std::chrono::duration<double>(store_.host().clock.monotonic() - began).count();
    return std::move(report_);
  }

 private:
  void report(std::string rule, std::vector<BlobHolder> objects, std::string message,
              std::string remedy, std::string file = "") {
    if (objects.size() > kMaxObjects) {
      message += fmt::format(" ({} more objects need it)", objects.size() - kMaxObjects);
      objects.resize(kMaxObjects);
    }
    report_.damages.push_back({std::move(rule), std::move(objects), std::move(message),
                               std::move(remedy), std::move(file)});
  }
  void report(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings)
      report(finding.rule, {object_of(finding.path)}, finding.message, kRestore);
  }
  // What can't be read is damage as well, and must not hide the rest.
  void report_unless(const Result<std::vector<Finding>>& findings, const std::string& what) {
    if (findings.has_value()) return report(*findings);
    report("unreadable_records", {object_of(what)}, findings.error().message(), kRestore);
  }

  void check_database() {
    const auto findings = store_.database().check_integrity();
    if (!findings.has_value())
      return report("damaged_database", {{"metadata database", "", ""}}, findings.error().message(),
                    kRestore, database_path());
    for (const Finding& finding : *findings) {
      report(finding.rule == "damaged" ? "damaged_database" : finding.rule,
             {{"metadata database", finding.path, ""}}, finding.message, kRestore, database_path());
    }
  }

  void check_records() {
    for (const RecordKeeper& keeper : record_keepers()) {
      report_unless(store_.database().read([&](const metadata::ReadTransaction& tx) {
        return keeper.check_records(tx);
      }),
                    fmt::format("records of {}", keeper.module));
    }
  }

  void check_audit() {
    const auto findings = store_.database().read(
        [&](const metadata::ReadTransaction& tx) -> Result<std::vector<Finding>> {
          MARTLET_TRY_SET(report_.counts.audit_entries, tx.count<metadata::AuditRecord>());
          return metadata::verify_audit(tx);
        });
    report_unless(findings, "audit log");
  }

  void note_interrupted_runs() {
    const auto runs = store_.database().read([](const metadata::ReadTransaction& tx) {
      return tx.select<workflow::PipelineRunRecord>(
          metadata::equal("status", static_cast<std::int64_t>(workflow::RunStatus::Running)));
    });
    if (!runs.has_value()) return;  // reported with the records
    for (const workflow::PipelineRunRecord& run : *runs) {
      if (is_alive(run.owner)) continue;
      report_.notes.push_back(
          fmt::format("run {} was interrupted; `martlet resume {}` goes on with it", run.id.text(),
                      run.id.text()));
    }
  }

  Result<void> check_blobs() {
    const artifacts::DurableBlobStore& blobs = store_.durable_blobs();
    // Listed before the records are read: what is stored in between isn't taken for unneeded.
    MARTLET_TRY_SET(const std::vector<artifacts::StoredBlob> stored, blobs.list());
    auto needs = needs_of(store_.database(), blobs);
    if (!needs.has_value()) {
      report("unreadable_records", {object_of("records")}, needs.error().message(), kRestore);
      return {};
    }
    report(needs->unreadable);
    for (const auto& [digest, references] : needs->blobs) {
      if (options_.cancel.cancelled()) return fail(ErrorCode::Cancelled, "verifying was cancelled");
      check_blob(digest, references, *needs);
    }
    for (const artifacts::StoredBlob& blob : stored) {
      if (!needs->blobs.contains(blob.digest)) check_unneeded(blob);
    }
    return {};
  }

  void check_blob(const Digest& digest, const std::vector<BlobReference>& references,
                  const StoreNeeds& needs) {
    const artifacts::DurableBlobStore& blobs = store_.durable_blobs();
    ++report_.counts.blobs;
    const auto broken = needs.unreadable_trees.find(digest);
    const auto size = blobs.size_bytes(digest);
    if (size.has_value()) report_.counts.blob_bytes += static_cast<std::int64_t>(*size);
    if (!size.has_value()) return report_blob(digest, references, size.error());
    for (const BlobReference& reference : references) {
      if (!reference.size_bytes.has_value() || *reference.size_bytes == *size) continue;
      return report_blob(digest, references,
                         Error(ErrorCode::Corrupt, fmt::format("it has {} bytes, {} are recorded",
                                                               *size, *reference.size_bytes)));
    }
    if (options_.depth == VerifyOptions::Depth::Full) {
      ++report_.counts.hashed;
      if (const auto sound = blobs.verify(digest); !sound.has_value())
        return report_blob(digest, references, sound.error());
    }
    if (broken != needs.unreadable_trees.end())
      return report_blob(digest, references, broken->second);
    if (options_.depth == VerifyOptions::Depth::Full) check_package(digest, references);
  }

  // Digests say that the files are those that were registered; opening says that they are a
  // package.
  void check_package(const Digest& digest, const std::vector<BlobReference>& references) {
    const auto package =
        std::find_if(references.begin(), references.end(), [](const BlobReference& reference) {
          return reference.holder.kind == "model version" && reference.holder.part == "package";
        });
    if (package == references.end()) return;
    packages_.emplace_back(digest, references);
  }

  void open_packages() {
    for (const auto& [digest, references] : packages_) {
      const auto opened = open_package(store_, digest);
      if (opened.has_value() || reported_package(references)) continue;
      report("broken_package", holders(references), opened.error().message(),
             "make another version live and train this one anew, or restore a backup");
    }
  }

  // A package can't be opened when one of its files is damaged, which has been told already.
  bool reported_package(const std::vector<BlobReference>& references) const {
    return std::any_of(references.begin(), references.end(), [&](const BlobReference& reference) {
      return damaged_versions_.contains(reference.holder.name);
    });
  }

  static std::vector<BlobHolder> holders(const std::vector<BlobReference>& references) {
    std::vector<BlobHolder> objects;
    for (const BlobReference& reference : references) objects.push_back(reference.holder);
    return objects;
  }

  void report_blob(const Digest& digest, const std::vector<BlobReference>& references,
                   const Error& error) {
    damaged_blobs_.insert(digest);
    for (const BlobReference& reference : references) {
      if (reference.holder.kind == "model version") damaged_versions_.insert(reference.holder.name);
    }
    const std::string file = store_.durable_blobs().place_of(digest);
    const std::vector<BlobHolder> objects = holders(references);
    std::string remedy = blob_remedy(objects, file);
    report(error.code() == ErrorCode::NotFound  ? "missing_blob"
           : error.code() == ErrorCode::Corrupt ? "damaged_blob"
                                                : "unreadable_blob",
           objects, fmt::format("blob {}: {}", digest.text(), error.message()), std::move(remedy),
           file);
  }

  // A damaged one would be taken for sound when the same bytes are stored again.
  void check_unneeded(const artifacts::StoredBlob& blob) {
    ++report_.counts.reclaimable_blobs;
    report_.counts.reclaimable_bytes += static_cast<std::int64_t>(blob.size_bytes);
    if (options_.depth == VerifyOptions::Depth::Quick) return;
    ++report_.counts.hashed;
    const auto sound = store_.durable_blobs().verify(blob.digest);
    if (sound.has_value() || sound.error().code() == ErrorCode::NotFound) return;
    const std::string file = store_.durable_blobs().place_of(blob.digest);
    report("damaged_leftover", {{"blob", blob.digest.text(), ""}}, sound.error().message(),
           "nothing refers to it: remove the file " + file +
               ", or run `martlet gc --older-than 0s`",
           file);
  }

  void check_parts() {
    const auto parts = store_.database().read(data::stored_parts);
    if (!parts.has_value()) return;  // reported with the records
    for (const data::StoredPart& part : *parts) {
      if (damaged_blobs_.contains(part.digest)) continue;
      const auto wrong = data::check_part(store_.blobs(), part);
      if (!wrong.has_value()) {
        report("unreadable_blob", {part.holder}, wrong.error().message(), kRestore);
      } else if (!wrong->empty()) {
        report("wrong_row_count", {part.holder}, *wrong, kRestore);
      }
    }
  }

  Result<void> check_segments() {
    MARTLET_TRY_SET(const std::vector<StoreFile> segments, prediction_segments(store_));
    for (const StoreFile& segment : segments) {
      const std::string path = join_path(store_.directory(), segment.path);
      const auto checked = monitoring::check_segment(store_.host().files, path);
      ++report_.counts.segments;
      const BlobHolder object{"prediction log segment", segment.path, ""};
      if (!checked.has_value()) {
        report("unreadable_segment", {object}, checked.error().message(), kRestore, path);
        continue;
      }
      report_.counts.predictions += checked->entries;
      if (!checked->damage.empty()) {
        report(
            "damaged_segment", {object},
            fmt::format("{} ({} entries before it can be read)", checked->damage, checked->entries),
            "copy " + path + " from a backup, or move it away to go on without its entries", path);
      } else if (checked->torn_bytes > 0) {
        report_.notes.push_back(
            fmt::format("{} ends in {} bytes of an entry that was never finished; they are ignored",
                        segment.path, checked->torn_bytes));
      }
    }
    return {};
  }

  Result<void> count_leftovers() {
    MARTLET_TRY_SET(const std::vector<StoreFile> leftovers, leftovers_of(store_));
    for (const StoreFile& leftover : leftovers) {
      ++report_.counts.leftovers;
      report_.counts.leftover_bytes += static_cast<std::int64_t>(leftover.size_bytes);
    }
    if (store_.durable_blobs().is_local()) return {};  // they are among the store's files
    MARTLET_TRY_SET(const std::vector<artifacts::Leftover> remote,
                    store_.durable_blobs().leftovers());
    for (const artifacts::Leftover& leftover : remote) {
      ++report_.counts.leftovers;
      report_.counts.leftover_bytes += static_cast<std::int64_t>(leftover.size_bytes);
    }
    return {};
  }

  std::string database_path() const {
    const StorePlace& place = store_.place();
    if (place.database.empty()) return join_path(place.directory, "metadata.db");
    return metadata::name_of_place(place.database).value_or("the PostgreSQL server");
  }

  const Store& store_;
  const VerifyOptions& options_;
  VerifyReport report_;
  std::set<Digest> damaged_blobs_;
  std::set<std::string> damaged_versions_;  // of models
  std::vector<std::pair<Digest, std::vector<BlobReference>>> packages_;
};

}  // namespace

Result<VerifyReport> verify_store(const Store& store, const VerifyOptions& options) {
  return Verifier(store, options).run();
}

}  // namespace martlet::lifecycle
