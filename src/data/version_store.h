// data/version_store.h: dataset versions, kept: parts as blobs, manifests and provenance as
// records.
//
// One per process and store, built by lifecycle/. Thread-safe. Publishing is idempotent: the same
// rows as the latest version give that version. Never here: making the rows (dataset_builder.h),
// deciding when.
#pragma once
#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "columns/batch.h"
#include "data/dataset_builder.h"
#include "data/dataset_version.h"
#include "metadata/schema.h"
#include "table/engine.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::artifacts {
class BlobStore;
}
namespace martlet::metadata {
class Database;
}

namespace martlet::data {

// The tables of this module.
metadata::SchemaGroup data_schema();

struct Published {
  DatasetVersion version = {};
  bool is_new = true;  // false: the latest version has these very rows
};

struct DatasetSummary {
  std::string dataset = {};
  std::int64_t versions = 0;
  DatasetVersion latest = {};
};

class VersionStore {
 public:
  // All must outlive the store. Parquet files pass through `scratch`, a directory that is made when
  // needed; local copies of remote parts stay there. `rows_per_part` differs in tests only.
  VersionStore(metadata::Database& database, artifacts::BlobStore& blobs, FileSystem& files,
               const Clock& clock, std::string scratch, std::size_t rows_per_part = kRowsPerPart);

  // Stores the rows as the next version. Conflict, naming them, when expectations of severity Fail
  // are unmet; the blob store's and the database's errors.
  Result<Published> publish(const BuiltDataset& built, std::vector<ParentVersion> parents = {});
  // The latest version's rows and these behind them: its parts are shared, not rewritten. NotFound
  // when there is no version; InvalidArgument when the columns differ. No rows: the latest version
  // itself.
  Result<Published> append(const std::string& dataset, const columns::Batch& rows,
                           std::vector<SourceFile> files = {});

  // A version of another store, under the next number here: its parts are copied, its provenance is
  // kept. NotFound, Corrupt when a part isn't in `from` as it was.
  Result<Published> adopt(const DatasetVersion& version, const artifacts::BlobStore& from);

  // One entry a dataset, by name.
  Result<std::vector<DatasetSummary>> list() const;
  // Newest first.
  Result<std::vector<DatasetVersion>> versions(const std::string& dataset) const;
  // nullopt when there is none.
  Result<std::optional<DatasetVersion>> latest(const std::string& dataset) const;
  // "departures", "departures@latest", "departures@v3", "departures@sha256:…" or a digest alone
  // (its newest version). NotFound with the nearest name or the versions there are; InvalidArgument
  // for another form.
  Result<DatasetVersion> find(std::string_view reference) const;

  // The rows, or only the named columns of them.
  Result<columns::Batch> load(const DatasetVersion& version,
                              std::span<const std::string> columns = {}) const;
  // The rows that were set aside, with their reasons (kReason); no columns when there are none.
  Result<columns::Batch> load_quarantined(const DatasetVersion& version) const;
  // The parts as Parquet files on this machine, in order. Read only.
  Result<std::vector<std::string>> local_parts(const DatasetVersion& version) const;
  // An engine for users' SQL in which each version is a view of its dataset's name.
  Result<std::unique_ptr<table::Engine>> open_sql(std::span<const DatasetVersion> versions,
                                                  table::EngineOptions options = {}) const;

  Result<VersionDiff> diff(const DatasetVersion& before, const DatasetVersion& after,
                           std::span<const std::string> key = {}) const;
  // Every blob that some version needs, for garbage collection and verify.
  Result<std::vector<Digest>> referenced_blobs() const;

 private:
  Result<DatasetPart> store_part(const columns::Batch& rows);
  Result<std::vector<DatasetPart>> store_parts(const columns::Batch& rows);
  Result<Published> record(DatasetVersion version);

  metadata::Database& database_;
  artifacts::BlobStore& blobs_;
  FileSystem& files_;
  const Clock& clock_;
  std::string scratch_;
  std::size_t rows_per_part_;
};

}  // namespace martlet::data
