#include "lifecycle/garbage.h"

#include "artifacts/durable_blob_store.h"
#include "lifecycle/process_identity.h"
#include "lifecycle/store_files.h"
#include "lifecycle/store_needs.h"
#include "metadata/database.h"
#include "platform/file_lock.h"
#include "tracking/expired.h"
#include "tracking/upload.h"
#include "workflow/records.h"

#include <algorithm>
#include <set>

namespace martlet::lifecycle {

namespace {

Json amount_json(const GarbageReport::Amount& amount) {
  return Json{{"count", amount.count}, {"bytes", amount.bytes}};
}

class Collector {
 public:
  Collector(const Store& store, const GarbageOptions& options) : store_(store), options_(options) {}

  Result<GarbageReport> run() {
    report_.only_counted = options_.mode == GarbageOptions::Mode::OnlyCount;
    MARTLET_TRY(choose_cutoff());
    MARTLET_TRY(purge_deleted());
    MARTLET_TRY(collect_blobs());
    MARTLET_TRY(collect_leftovers());
    MARTLET_TRY(collect_logs());
    return report_;
  }

 private:
  // A run stores blobs long before it commits the records that name them.
  Result<void> choose_cutoff() {
    report_.cutoff = store_.host().clock.now() - options_.older_than;
    MARTLET_TRY_SET(
        const auto running, store_.database().read([](const metadata::ReadTransaction& tx) {
          return tx.select<workflow::PipelineRunRecord>(
              metadata::equal("status", static_cast<std::int64_t>(workflow::RunStatus::Running)));
        }));
    for (const workflow::PipelineRunRecord& run : running) {
      if (is_alive(run.owner)) report_.cutoff = std::min(report_.cutoff, run.created);
    }
    return {};
  }

  Result<void> refuse_if_cancelled() const {
    if (!options_.cancel.cancelled()) return {};
    return fail(ErrorCode::Cancelled, "gc was cancelled; what it has removed was not needed");
  }

  // What was deleted long ago is removed here, or noted for a count.
  Result<void> purge_deleted() {
    const Timestamp before = store_.host().clock.now() - options_.deleted_older_than;
    MARTLET_TRY_SET(expired_, store_.database().read([&](const metadata::ReadTransaction& tx) {
      return tracking::expired(tx, before);
    }));
    report_.deleted.count =
        std::ssize(expired_.runs) + std::ssize(expired_.models) + std::ssize(expired_.experiments);
    if (report_.only_counted) return {};
    MARTLET_TRY(each(expired_.uploads, tracking::end_upload));
    MARTLET_TRY(each(expired_.models, tracking::purge_model));
    MARTLET_TRY(each(expired_.runs, tracking::purge_run));
    return each(expired_.experiments, tracking::purge_experiment);
  }

  // A transaction each, so that others wait for none of them.
  template <class Id>
  Result<void> each(const std::vector<Id>& ids,
                    Result<void> (*purge)(metadata::Transaction&, const Id&)) {
    for (const Id& id : ids) {
      MARTLET_TRY(refuse_if_cancelled());
      MARTLET_TRY(store_.database().write(
          [&](metadata::Transaction& tx) -> Result<void> { return purge(tx, id); }));
    }
    return {};
  }

  // Whether somebody needs it who stays.
  bool is_needed(const StoreNeeds& needs, const Digest& digest) const {
    const auto found = needs.blobs.find(digest);
    if (found == needs.blobs.end()) return false;
    if (!report_.only_counted) return true;
    return !std::all_of(
        found->second.begin(), found->second.end(), [&](const artifacts::BlobReference& reference) {
          return tracking::is_among(expired_, reference.holder.kind, reference.holder.name);
        });
  }

  Result<void> collect_blobs() {
    artifacts::DurableBlobStore& blobs = store_.durable_blobs();
    MARTLET_TRY_SET(const std::vector<artifacts::StoredBlob> stored, blobs.list());
    MARTLET_TRY_SET(const StoreNeeds needs, complete_needs_of(store_.database(), blobs));
    for (const artifacts::StoredBlob& blob : stored) {
      MARTLET_TRY(refuse_if_cancelled());
      if (is_needed(needs, blob.digest)) {
        report_.kept.add(blob.size_bytes);
        continue;
      }
      MARTLET_TRY_SET(const bool removed, remove(blobs, blob.digest));
      (removed ? report_.blobs : report_.too_young).add(blob.size_bytes);
    }
    return {};
  }

  Result<bool> remove(artifacts::DurableBlobStore& blobs, const Digest& digest) const {
    if (!report_.only_counted) return blobs.remove_unless_put_since(digest, report_.cutoff);
    MARTLET_TRY_SET(const Timestamp put, blobs.last_put(digest));
    return put < report_.cutoff;
  }

  Result<void> remove_old(const StoreFile& file, GarbageReport::Amount& amount) {
    MARTLET_TRY(refuse_if_cancelled());
    if (file.modified >= report_.cutoff) {
      report_.too_young.add(file.size_bytes);
      return {};
    }
    if (!report_.only_counted)
      MARTLET_TRY(store_.host().files.remove_all(join_path(store_.directory(), file.path)));
    amount.add(file.size_bytes);
    return {};
  }

  Result<void> collect_leftovers() {
    MARTLET_TRY_SET(const std::vector<StoreFile> leftovers, leftovers_of(store_));
    for (const StoreFile& leftover : leftovers)
      MARTLET_TRY(remove_old(leftover, report_.leftovers));
    return collect_remote_leftovers();
  }

  Result<void> collect_remote_leftovers() {
    artifacts::DurableBlobStore& blobs = store_.durable_blobs();
    if (blobs.is_local()) return {};  // they are among the store's files
    MARTLET_TRY_SET(const std::vector<artifacts::Leftover> leftovers, blobs.leftovers());
    for (const artifacts::Leftover& leftover : leftovers) {
      MARTLET_TRY(refuse_if_cancelled());
      const bool old = leftover.modified < report_.cutoff;
      if (old && !report_.only_counted) MARTLET_TRY(blobs.remove_leftover(leftover));
      (old ? report_.leftovers : report_.too_young).add(leftover.size_bytes);
    }
    return {};
  }

  Result<void> collect_logs() {
    // Listed before the runs are read: a run is recorded before it logs.
    MARTLET_TRY_SET(const std::vector<StoreFile> folders, log_folders(store_));
    MARTLET_TRY_SET(const auto runs,
                    store_.database().read([](const metadata::ReadTransaction& tx) {
                      return tx.select<workflow::PipelineRunRecord>();
                    }));
    std::set<std::string> known;
    for (const workflow::PipelineRunRecord& run : runs) known.insert(run.id.text());
    for (const StoreFile& folder : folders) {
      if (!known.contains(file_name(folder.path))) MARTLET_TRY(remove_old(folder, report_.logs));
    }
    return {};
  }

  const Store& store_;
  const GarbageOptions& options_;
  GarbageReport report_;
  tracking::Expired expired_;
};

}  // namespace

std::string garbage_lock_path(const Store& store) {
  return join_path(store.directory(), "garbage.lock");
}

Result<GarbageReport> collect_garbage(const Store& store, const GarbageOptions& options) {
  auto lock = platform::FileLock::acquire(garbage_lock_path(store));
  if (!lock.has_value()) {
    if (lock.error().code() != ErrorCode::Conflict) return fail(std::move(lock).error());
    return conflict("collecting garbage: another gc or a backup is at work on this store; wait "
                    "until it is done (" +
                    lock.error().message() + ")");
  }
  return Collector(store, options).run();
}

Json GarbageReport::to_json() const {
  return Json{{"dry_run", only_counted},
              {"cutoff", to_text(cutoff)},
              {"deleted", deleted.count},
              {"blobs", amount_json(blobs)},
              {"leftovers", amount_json(leftovers)},
              {"logs", amount_json(logs)},
              {"too_young", amount_json(too_young)},
              {"kept", amount_json(kept)},
              {"freed_bytes", freed_bytes()}};
}

}  // namespace martlet::lifecycle
