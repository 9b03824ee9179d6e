#include "tracking/files.h"

#include "artifacts/tree.h"
#include "metadata/database.h"
#include "tracking/internal/records.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::tracking {

namespace {

using metadata::Condition;
using metadata::equal;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

// What differs between the owners: the table, and how the owner is named in it.
struct OfRun {
  using Record = ArtifactRecord;
  static constexpr const char* kColumn = "run";
  static const RunId& id(const FileOwner& owner) { return owner.run; }
  static std::string title(const FileOwner& owner) { return "run " + owner.run.text(); }
  static Result<void> check_writable(const ReadTransaction& tx, const FileOwner& owner) {
    MARTLET_TRY_SET(const RunRecord run, tx.require<RunRecord>("run", owner.run));
    if (run.lifecycle == Lifecycle::Active) return {};
    return invalid_argument(
        fmt::format("run {} is deleted and can't be changed; restore it first", run.id.text()));
  }
};
struct OfModel {
  using Record = LoggedModelFileRecord;
  static constexpr const char* kColumn = "model";
  static const std::string& id(const FileOwner& owner) { return owner.model; }
  static std::string title(const FileOwner& owner) { return "logged model " + owner.model; }
  static Result<void> check_writable(const ReadTransaction& tx, const FileOwner& owner) {
    MARTLET_TRY_SET(const LoggedModelRecord model,
                    tx.require<LoggedModelRecord>("logged model", owner.model));
    if (model.lifecycle == Lifecycle::Active) return {};
    return invalid_argument(fmt::format("logged model {} is deleted", owner.model));
  }
};

struct OfTrace {
  using Record = TraceFileRecord;
  static constexpr const char* kColumn = "trace";
  static const std::string& id(const FileOwner& owner) { return owner.trace; }
  static std::string title(const FileOwner& owner) { return "trace " + owner.trace; }
  static Result<void> check_writable(const ReadTransaction& tx, const FileOwner& owner) {
    return tx.require<TraceRecord>("trace", owner.trace).map([](const TraceRecord&) {});
  }
};

template <class Function>
auto for_owner(const FileOwner& owner, Function&& function) {
  if (!owner.model.empty()) return function(OfModel{});
  return owner.trace.empty() ? function(OfRun{}) : function(OfTrace{});
}

template <class Of>
Condition below(const FileOwner& owner, const std::string& directory) {
  Condition all = equal(Of::kColumn, Of::id(owner));
  if (directory.empty()) return all;
  // '0' follows '/'.
  return std::move(all) && metadata::at_least("path", directory + "/") &&
         metadata::less("path", directory + "0");
}

template <class Of>
Result<void> put(Transaction& tx, const FileOwner& owner, const Artifact& file) {
  using Record = typename Of::Record;
  MARTLET_TRY(artifacts::check_relative_path(file.path));
  MARTLET_TRY(Of::check_writable(tx, owner));
  for (std::size_t slash = file.path.find('/'); slash != std::string::npos;
       slash = file.path.find('/', slash + 1)) {
    const std::string parent = file.path.substr(0, slash);
    MARTLET_TRY_SET(const bool taken, tx.exists<Record>(Of::id(owner), parent));
    if (taken)
      return invalid_argument(fmt::format("logging artifact {}: {} is a file of the {}", file.path,
                                          parent, Of::title(owner)));
  }
  MARTLET_TRY_SET(const std::int64_t within,
                  tx.count_at_most<Record>(below<Of>(owner, file.path), 1));
  if (within > 0) {
    return invalid_argument(fmt::format("logging artifact {}: it is a directory of the {}",
                                        file.path, Of::title(owner)));
  }
  return tx.put(Record{Of::id(owner), file.path, file.digest, file.size_bytes, file.logged});
}

template <class Of>
Result<std::vector<FileEntry>> list(const ReadTransaction& tx, const FileOwner& owner,
                                    const std::string& directory) {
  MARTLET_TRY_SET(const auto records, tx.select<typename Of::Record>(
                                          Query(below<Of>(owner, directory)).order_by("path")));
  std::vector<FileEntry> entries;
  const std::size_t prefix = directory.empty() ? 0 : directory.size() + 1;
  for (const auto& record : records) {
    const std::string rest = record.path.substr(prefix);
    const std::size_t slash = rest.find('/');
    FileEntry entry{rest.substr(0, slash), slash != std::string::npos, 0};
    if (!entry.is_directory) entry.size_bytes = record.size_bytes;
    if (entries.empty() || entries.back().name != entry.name) entries.push_back(std::move(entry));
  }
  // "a.txt" comes before "a/b" by path, but after "a" by name.
  std::sort(entries.begin(), entries.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.name < b.name; });
  entries.erase(
      std::unique(entries.begin(), entries.end(),
                  [](const FileEntry& a, const FileEntry& b) { return a.name == b.name; }),
      entries.end());
  return entries;
}

}  // namespace

std::string artifact_location(const ExperimentId& experiment, const FileOwner& owner) {
  const std::string place = !owner.model.empty()   ? "/models/" + owner.model
                            : !owner.trace.empty() ? "/traces/" + owner.trace
                                                   : "/" + owner.run.text();
  return "mlflow-artifacts:/" + experiment.text() + place + "/artifacts";
}

Result<ExperimentId> experiment_of(const ReadTransaction& tx, const FileOwner& owner) {
  if (!owner.trace.empty()) {
    MARTLET_TRY_SET(TraceRecord trace, tx.require<TraceRecord>("trace", owner.trace));
    return std::move(trace.experiment);
  }
  if (owner.model.empty()) {
    MARTLET_TRY_SET(RunRecord run, tx.require<RunRecord>("run", owner.run));
    return std::move(run.experiment);
  }
  MARTLET_TRY_SET(LoggedModelRecord model,
                  tx.require<LoggedModelRecord>("logged model", owner.model));
  return std::move(model.experiment);
}

Result<void> put_file(Transaction& tx, const FileOwner& owner, const Artifact& file) {
  return for_owner(owner, [&]<class Of>(Of) { return put<Of>(tx, owner, file); });
}

Result<Artifact> find_file(const ReadTransaction& tx, const FileOwner& owner,
                           const std::string& path) {
  return for_owner(owner, [&]<class Of>(Of) -> Result<Artifact> {
    MARTLET_TRY_SET(const auto record, tx.get<typename Of::Record>(Of::id(owner), path));
    if (!record.has_value())
      return not_found(fmt::format("No such artifact: '{}' of {}", path, Of::title(owner)));
    return Artifact{record->path, record->digest, record->size_bytes, record->logged};
  });
}

Result<std::vector<FileEntry>> list_files(const ReadTransaction& tx, const FileOwner& owner,
                                          const std::string& directory) {
  return for_owner(owner, [&]<class Of>(Of) { return list<Of>(tx, owner, directory); });
}

Result<std::int64_t> remove_files(Transaction& tx, const FileOwner& owner,
                                  const std::string& path) {
  return for_owner(owner, [&]<class Of>(Of) -> Result<std::int64_t> {
    MARTLET_TRY(Of::check_writable(tx, owner));
    MARTLET_TRY_SET(std::int64_t removed,
                    tx.remove_where<typename Of::Record>(below<Of>(owner, path)));
    if (path.empty()) return removed;
    MARTLET_TRY_SET(const bool file, tx.remove<typename Of::Record>(Of::id(owner), path));
    return removed + (file ? 1 : 0);
  });
}

}  // namespace martlet::tracking
