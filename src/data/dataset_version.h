// data/dataset_version.h: an immutable, content-addressed snapshot of a dataset, and how two of
// them differ. Values.
//
// The digest is the SHA-256 of the canonical JSON of schema and ordered part digests (DESIGN
// §12.1), a part's that of its Parquet bytes. How the version came about is its provenance: beside
// it, never hashed into it.
#pragma once
#include "base/digest.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "columns/batch.h"
#include "columns/schema.h"
#include "data/source.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace martlet::data {

// Rows of a part, at most; every part but the last of one publication has exactly so many, so that
// growing data shares its parts.
inline constexpr std::size_t kRowsPerPart = 1'000'000;

struct DatasetPart {
  Digest digest = {};
  std::int64_t rows = 0;
  std::int64_t size_bytes = 0;
  Json statistics =
      Json::object();  // by column: {nulls, min, max}; a long text's bounds are left out
};

struct ParentVersion {
  std::string dataset = {};
  std::int64_t number = 0;
  Digest digest = {};
};

struct Provenance {
  std::vector<ParentVersion> parents =
      {};  // the versions of other datasets that its SQL read, or the one it was appended to
  std::vector<SourceFile> files = {};
  std::string sql = {};
  Json ledger = Json::array();        // of the cleaning steps
  Json expectations = Json::array();  // as they were judged
  std::int64_t rows_read = 0;         // before cleaning and quarantine
  std::optional<DatasetPart> quarantine = {};
  std::string engine = {};  // DuckDB's version
};

struct DatasetVersion {
  std::string dataset = {};
  std::int64_t number = 0;  // v1, v2, …
  Digest digest = {};
  columns::Schema schema = {};
  std::vector<DatasetPart> parts = {};
  Timestamp created = {};
  Provenance provenance = {};

  std::int64_t rows() const;
  std::string name() const;  // "departures@v3"
};

// What the digest is taken of: {"parts": […], "schema": […]}, in canonical form.
std::string identity_text(const columns::Schema& schema, std::span<const DatasetPart> parts);
Digest digest_of_version(const columns::Schema& schema, std::span<const DatasetPart> parts);
// {nulls, min, max} by column.
Json part_statistics(const columns::Batch& rows);

Json to_json(const DatasetPart& part);
Json to_json(const Provenance& provenance);
Json to_json(const DatasetVersion& version);
// Corrupt when it isn't one, or when its digest isn't that of its schema and parts.
Result<DatasetVersion> version_from_json(const Json& json);
Result<Provenance> provenance_from_json(const Json& json);
Result<DatasetPart> part_from_json(const Json& json);

// What changed from one table to another.
struct TableDiff {
  std::vector<columns::Field> columns_added = {};
  std::vector<columns::Field> columns_removed = {};
  struct TypeChange {
    std::string column = {};
    columns::Type before = columns::Type::Double;
    columns::Type after = columns::Type::Double;
  };
  std::vector<TypeChange> types_changed = {};
  std::int64_t rows_before = 0;
  std::int64_t rows_after = 0;
  // By key; absent without one. Rows that share a key are matched in order. Changed: another value
  // in a column that both have.
  std::optional<std::int64_t> rows_added = {};
  std::optional<std::int64_t> rows_removed = {};
  std::optional<std::int64_t> rows_changed = {};
  // {column, nulls: [a, b], distinct: [a, b], min, max, mean, stddev, p50, top} of columns that
  // both have
  Json statistics = Json::array();
};
// InvalidArgument when a key column is not in both with the same type.
Result<TableDiff> diff_tables(const columns::Batch& before, const columns::Batch& after,
                              std::span<const std::string> key);

struct VersionDiff {
  std::string before = {};
  std::string after = {};
  std::int64_t parts_before = 0;
  std::int64_t parts_after = 0;
  std::int64_t parts_shared = 0;
  TableDiff table = {};
};
Json to_json(const VersionDiff& diff);

}  // namespace martlet::data
