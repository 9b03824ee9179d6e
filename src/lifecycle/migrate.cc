#include "lifecycle/migrate.h"

#include "lifecycle/blob_place.h"
#include "lifecycle/garbage.h"
#include "lifecycle/migrate_target.h"
#include "lifecycle/store_needs.h"
#include "metadata/database.h"
#include "metadata/shared_key.h"
#include "metadata/store_copy.h"
#include "platform/file_lock.h"
#include "platform/system_random.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace martlet::lifecycle {

namespace {

using metadata::ReadTransaction;
using metadata::TableDifference;
using metadata::TableSums;

constexpr int kRandomDigits = 32;  // hexadecimal
// A PostgreSQL server ends sessions that are idle in a transaction for minutes.
constexpr std::chrono::seconds kWake{20};
constexpr std::size_t kMaxFindings = 100;

Result<platform::FileLock> lock(const std::string& path, const std::string& what) {
  auto taken = platform::FileLock::acquire(path);
  if (taken.has_value() || taken.error().code() != ErrorCode::Conflict) return taken;
  return conflict(
      fmt::format("gc, a backup or another migration is at work on {}; wait until it is "
                  "done ({})",
                  what, taken.error().message()));
}

TableSums sums_of(const std::vector<TableDifference>& tables) {
  TableSums sums;
  for (const TableDifference& table : tables) sums[table.table] = table.from;
  return sums;
}

Result<void> refuse_differences(const std::vector<TableDifference>& tables) {
  std::vector<Finding> findings;
  for (const TableDifference& table : tables) {
    if (table.none() || findings.size() == kMaxFindings) continue;
    Finding finding;
    finding.path = table.table;
    finding.rule = "other_rows";
    finding.message =
        fmt::format("{}: {} rows are missing, {} are other ones, {} are too many (the first: {})",
                    table.table, table.missing, table.changed, table.extra, table.first);
    findings.push_back(std::move(finding));
  }
  if (findings.empty()) return {};
  std::string message =
      fmt::format("the target doesn't give back the records that were written to it ({}); it was "
                  "left as it was: see what changes them there, then migrate again",
                  findings.front().message);
  return fail(Error(ErrorCode::Corrupt, std::move(message), std::move(findings)));
}

class Migration {
 public:
  Migration(const Store& source, const MigrateTarget& target, const MigrateOptions& options)
      : source_(source), host_(source.host()), wanted_(target), options_(options) {}

  Result<MigrateReport> run() {
    const auto began = host_.clock.monotonic();
    report_.only_counted = options_.mode == MigrateOptions::Mode::OnlyCount;
    MARTLET_TRY_SET(const std::string blobs,
                    place_of_blobs(host_.files, source_.directory(), BlobAccess()));
    report_.from = places_of(source_.place(), blobs);
    MARTLET_TRY_SET(StorePlace place, place_of_target(source_, wanted_));
    MARTLET_TRY(refuse_other_folder(host_.files, place.directory));
    report_.to = places_of(place, "");
    auto done = report_.only_counted ? count(place) : carry_out(place);
    if (!done.has_value())
      return fail(std::move(done).error().with_context(
          fmt::format("migrating {} to {}", report_.from.records, report_.to.records)));
    report_.seconds = std::chrono::duration<double>(host_.clock.monotonic() - began).count();
    return std::move(report_);
  }

 private:
  void tell(std::string_view phase, std::string_view status, const std::string& detail = "") const {
    if (options_.progress) options_.progress(phase, status, detail);
  }

  Result<void> refuse_if_cancelled() const {
    if (!options_.cancel.cancelled()) return {};
    return fail(ErrorCode::Cancelled, "it was cancelled; the same call goes on with it");
  }

  // Keeps the session of a snapshot that other work is done beside.
  metadata::BetweenPages awake(const ReadTransaction& tx) {
    last_woken_ = host_.clock.monotonic();
    return [this, &tx]() -> Result<void> {
      MARTLET_TRY(refuse_if_cancelled());
      if (host_.clock.monotonic() - last_woken_ < kWake) return {};
      last_woken_ = host_.clock.monotonic();
      return tx.count_at_most<metadata::SharedKeyRecord>({}, 1).map([](std::int64_t) {});
    };
  }
  metadata::BetweenPages cancellable() const {
    return [this] { return refuse_if_cancelled(); };
  }

  BlobTransferOptions blob_options_of() const {
    BlobTransferOptions how;
    how.present = options_.present;
    how.same_place = report_.from.blobs == report_.to.blobs;
    how.cancel = options_.cancel;
    return how;
  }

  // What is there is looked at, nothing is made.
  Result<void> count(const StorePlace& place) {
    MARTLET_TRY_SET(const TargetLook look, look_at(host_, place, wanted_.blobs));
    report_.to.blobs = look.blob_place;
    if (look.database != nullptr) {
      MARTLET_TRY_SET(const TargetState state, state_of(source_, *look.database, cancellable()));
      MARTLET_TRY_SET(const std::string identity,
                      source_.database().read(
                          [](const ReadTransaction& tx) { return metadata::store_identity(tx); }));
      MARTLET_TRY(refuse_other_store(state, identity, report_.to.records));
      if (options_.written_since == TargetFiles::Keep)
        MARTLET_TRY(refuse_written_since(state, report_.to.records));
    }
    MARTLET_TRY(count_records(look.database.get()));
    if (look.blobs != nullptr) {
      BlobTransfer blobs(source_.durable_blobs(), *look.blobs, blob_options_of());
      MARTLET_TRY(blobs.count());
      report_.blobs = blobs.counts();
    } else {
      MARTLET_TRY_SET(const std::vector<artifacts::StoredBlob> all, source_.durable_blobs().list());
      for (const artifacts::StoredBlob& blob : all)
        report_.blobs.bytes += static_cast<std::int64_t>(blob.size_bytes);
      report_.blobs.all = report_.blobs.copied = std::ssize(all);
      report_.blobs.copied_bytes = report_.blobs.bytes;
    }
    MARTLET_TRY_SET(report_.files, count_files(source_, place.directory, options_.written_since));
    return {};
  }

  Result<void> count_records(const metadata::Database* target) {
    return source_.database().read([&](const ReadTransaction& from) -> Result<void> {
      report_.as_of = host_.clock.now();
      if (target != nullptr) {
        MARTLET_TRY_SET(report_.tables, target->read([&](const ReadTransaction& to) {
          return metadata::compare_tables(from, to, cancellable());
        }));
        return {};
      }
      MARTLET_TRY_SET(const TableSums sums, metadata::sum_tables(from, cancellable()));
      report_.tables.clear();
      for (const auto& [table, sum] : sums) {
        TableDifference all;
        all.table = table;
        all.from = sum;
        all.missing = sum.rows;
        report_.tables.push_back(std::move(all));
      }
      return {};
    });
  }

  Result<void> carry_out(const StorePlace& place) {
    // What is being copied must not be collected.
    MARTLET_TRY_SET(const platform::FileLock ours,
                    lock(garbage_lock_path(source_), source_.directory()));
    MARTLET_TRY(refuse_before_making(place));
    MARTLET_TRY_SET(const std::unique_ptr<Store> target,
                    Store::open(host_, place, WhenMissing::Create, wanted_.blobs));
    MARTLET_TRY_SET(const platform::FileLock alone,
                    lock(join_path(place.directory, "migrate.lock"), place.directory));
    MARTLET_TRY_SET(const platform::FileLock theirs,
                    lock(garbage_lock_path(*target), place.directory));
    MARTLET_TRY_SET(report_.to.blobs, place_of_blobs(host_.files, place.directory, BlobAccess()));
    MARTLET_TRY(claim(*target));
    MARTLET_TRY(count_files(source_, place.directory, options_.written_since));
    MARTLET_TRY(copy(*target));
    tell("files", "running");
    MARTLET_TRY_SET(report_.files, transfer_files(source_, place.directory, options_.written_since,
                                                  options_.cancel));
    tell("files", "succeeded",
         fmt::format("{} of {} copied", report_.files.copied, report_.files.all));
    return look_for_newer();
  }

  Result<std::string> own_identity() const {
    platform::SystemRandom random;
    return metadata::store_identity(source_.database(), random.hex(kRandomDigits));
  }

  // Opening makes a folder and says there which database it belongs to: not for another store's.
  Result<void> refuse_before_making(const StorePlace& place) const {
    MARTLET_TRY_SET(const TargetLook look, look_at(host_, place, wanted_.blobs));
    if (look.database == nullptr) return {};
    MARTLET_TRY_SET(const std::string ours, own_identity());
    MARTLET_TRY_SET(const std::string theirs, look.database->read([](const ReadTransaction& tx) {
      return metadata::store_identity(tx);
    }));
    if (ours == theirs) return {};  // claim() looks closer
    MARTLET_TRY_SET(const TargetState state, state_of(source_, *look.database, cancellable()));
    return refuse_other_store(state, ours, report_.to.records);
  }

  // Whether the target may be written to.
  Result<void> claim(const Store& target) {
    MARTLET_TRY_SET(const std::string ours, own_identity());
    // Afterwards, since both may be one database by two names.
    MARTLET_TRY_SET(state_, state_of(source_, target.database(), cancellable()));
    const std::string& name = report_.to.records;
    MARTLET_TRY(refuse_other_store(state_, ours, name));
    platform::SystemRandom random;
    attempt_ = random.hex(kRandomDigits);
    MARTLET_TRY(target.database().write(
        [&](metadata::Transaction& tx) { return metadata::begin_copy(tx, attempt_); }));
    // Two names of one server are told apart by nothing else.
    MARTLET_TRY_SET(const auto seen, source_.database().read([](const ReadTransaction& tx) {
      return metadata::last_copy(tx);
    }));
    if (seen.has_value() && seen->attempt == attempt_)
      return invalid_argument(fmt::format("{} is the same database by another name; name another "
                                          "one, or another schema with schema=",
                                          name));
    if (options_.written_since == TargetFiles::Overwrite) return {};
    return refuse_written_since(state_, name);
  }

  Result<void> copy(const Store& target) {
    MARTLET_TRY_SET(version_, source_.database().data_version());
    BlobTransfer blobs(source_.durable_blobs(), target.durable_blobs(), blob_options_of());
    tell("blobs", "running");
    MARTLET_TRY(blobs.run(cancellable()));
    tell("blobs", "running",
         fmt::format("{} of {} copied", blobs.counts().copied, blobs.counts().all));
    MARTLET_TRY(source_.database().read([&](const ReadTransaction& from) -> Result<void> {
      return copy_moment(from, target, blobs);
    }));
    report_.blobs = blobs.counts();
    report_.left_out = blobs.left_out();
    return {};
  }

  // A blob is stored before the record that names it: those that are listed once the snapshot
  // stands are all that it can name.
  Result<void> copy_moment(const ReadTransaction& from, const Store& target, BlobTransfer& blobs) {
    const metadata::BetweenPages between = awake(from);
    report_.as_of = host_.clock.now();
    MARTLET_TRY_SET(const StoreNeeds needs, complete_needs_of(from, source_.blobs()));
    MARTLET_TRY(blobs.run(between));
    MARTLET_TRY(blobs.check(needs));
    tell("blobs", "succeeded",
         fmt::format("{} of {} copied", blobs.counts().copied, blobs.counts().all));
    tell("records", "running");
    MARTLET_TRY(copy_records(from, target.database(), between));
    tell("records", "succeeded", fmt::format("{} rows", report_.rows()));
    return {};
  }

  Result<void> copy_records(const ReadTransaction& from, metadata::Database& target,
                            const metadata::BetweenPages& between) {
    MARTLET_TRY_SET(const std::unique_ptr<metadata::OpenTransaction> tx, target.begin());
    MARTLET_TRY_SET(report_.tables, metadata::make_tables_equal(from, *tx, between));
    for (const TableDifference& table : report_.tables) {
      if (table.to == state_.tables[table.table]) continue;
      return conflict(
          fmt::format("somebody has written to {} meanwhile ({}); end what uses it, then "
                      "migrate again",
                      report_.to.records, table.table));
    }
    // Before they count: every row is read again.
    tell("check", "running");
    MARTLET_TRY_SET(const std::vector<TableDifference> found,
                    metadata::compare_tables(from, *tx, between));
    MARTLET_TRY(refuse_differences(found));
    tell("check", "succeeded", "every row is the same");
    const TableSums now = sums_of(report_.tables);
    MARTLET_TRY(metadata::end_copy(*tx, attempt_, report_.as_of, report_.from.records, now));
    MARTLET_TRY(tx->commit());
    state_.tables = now;  // the snapshot may be lost after this, and another one be copied
    return {};
  }

  // The source goes on while it is copied.
  Result<void> look_for_newer() {
    MARTLET_TRY_SET(const std::int64_t version, source_.database().data_version());
    if (version == version_) return {};
    MARTLET_TRY_SET(const TableSums now, source_.database().read([&](const ReadTransaction& tx) {
      return metadata::sum_tables(tx, cancellable());
    }));
    for (const TableDifference& table : report_.tables) {
      const auto found = now.find(table.table);
      if (found != now.end() && found->second != table.from) report_.newer.push_back(table.table);
    }
    return {};
  }

  const Store& source_;
  const Host& host_;
  const MigrateTarget& wanted_;
  const MigrateOptions& options_;
  MigrateReport report_;
  TargetState state_;
  std::string attempt_;
  std::int64_t version_ = 0;  // of the source, before its blobs were listed
  std::chrono::steady_clock::time_point last_woken_;
};

}  // namespace

Result<MigrateReport> migrate(const Store& source, const MigrateTarget& target,
                              const MigrateOptions& options) {
  return Migration(source, target, options).run();
}

}  // namespace martlet::lifecycle
