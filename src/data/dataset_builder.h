// data/dataset_builder.h: from sources to the rows of a dataset: SQL, cleaning, expectations,
// quarantine.
//
// A DatasetBuilder belongs to one configuration and one moment: each source is read once, however
// many datasets use it. One thread at a time. Never here: storing (version_store.h), splitting,
// learning.
#pragma once
#include "base/file_system.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "base/zone.h"
#include "columns/batch.h"
#include "data/config.h"
#include "table/engine.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::data {

struct BuildOptions {
  std::string directory = {};  // the project's: what relative paths start from
  Zone zone = Zone::utc();     // problem.zone: of bare times, and of calendar functions in SQL
  Timestamp now = {};          // for freshness
  int reading_threads = 1;     // SQL always runs on one (DESIGN §12.2)
  std::int64_t memory_limit_bytes = 0;
  std::string temp_directory = {};  // where SQL may spill; "" = nowhere
  table::Limits limits = {};
};

struct BuiltDataset {
  std::string name = {};
  columns::Batch rows = {};
  columns::Batch quarantined = {};  // rows set aside, with the text column kReason behind theirs;
                                    // no rows when there are none
  std::vector<LedgerEntry> ledger = {};
  std::vector<ExpectationResult> expectations = {};
  std::vector<SourceFile> files =
      {};  // of every source that went in, directly or through other datasets
  std::vector<std::string> read_datasets = {};  // the datasets that its SQL read
  std::string sql = {};
  std::int64_t rows_read = 0;  // before cleaning

  bool passed() const { return all_passed(expectations); }
};
inline constexpr const char* kReason = "quarantine_reason";

class DatasetBuilder {
 public:
  // `config` and `files` must outlive the builder.
  DatasetBuilder(const DataConfig& config, FileSystem& files, BuildOptions options);

  // Builds it and whatever it reads. An unmet expectation is not an error: it is in the result
  // (passed()); but a dataset that reads another one whose expectations of severity Fail are unmet
  // is Conflict. Errors: NotFound for the name or a file; InvalidArgument with DuckDB's words and
  // the dataset's name for its SQL, and with findings for steps and expectations that do not fit
  // its columns; those of reading. `more`: expectations to judge besides those of the
  // configuration, such as inferred ones; they are ignored when it was built before.
  Result<BuiltDataset> build(std::string_view name, std::span<const Expectation> more = {});
  // A source as a table, cached.
  Result<columns::Batch> source(const std::string& name);

 private:
  Result<BuiltDataset> build_one(const DatasetConfig& dataset, std::span<const Expectation> more);
  Result<columns::Batch> select(const DatasetConfig& dataset, BuiltDataset& built);
  Result<void> add_source(const std::string& name, BuiltDataset& built);

  const DataConfig& config_;
  FileSystem& files_;
  BuildOptions options_;
  std::map<std::string, columns::Batch> sources_;
  std::map<std::string, std::vector<SourceFile>> source_files_;
  std::map<std::string, BuiltDataset> built_;
};

// Sets aside the rows that break expectations of severity Quarantine. `reasons` holds one text a
// row set aside.
struct Separated {
  columns::Batch kept = {};
  columns::Batch quarantined = {};
};
Separated set_aside(const columns::Batch& batch, std::span<const ExpectationResult> results);

}  // namespace martlet::data
