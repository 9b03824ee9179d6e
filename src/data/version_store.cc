#include "data/version_store.h"

#include "artifacts/blob_store.h"
#include "base/text.h"
#include "data/internal/version_records.h"
#include "data/references.h"
#include "metadata/database.h"
#include "platform/real_file_system.h"
#include "table/parquet.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace martlet::data {

using columns::Batch;
using metadata::equal;
using metadata::Order;
using metadata::Query;

namespace {

Result<std::optional<VersionRecord>> latest_record(const metadata::ReadTransaction& tx,
                                                   const std::string& dataset) {
  return tx.first<VersionRecord>(
      Query(equal("dataset", dataset)).order_by("number", Order::Descending));
}

Result<std::vector<std::string>> dataset_names(const metadata::ReadTransaction& tx) {
  MARTLET_TRY_SET(
      const auto firsts,
      tx.select<VersionRecord>(Query(equal("number", std::int64_t{1})).order_by("dataset")));
  std::vector<std::string> names;
  for (const auto& record : firsts) names.push_back(record.dataset);
  return names;
}

Result<VersionRecord> require_latest(const metadata::ReadTransaction& tx,
                                     const std::string& dataset) {
  MARTLET_TRY_SET(auto record, latest_record(tx, dataset));
  if (record) return std::move(*record);
  MARTLET_TRY_SET(const auto names, dataset_names(tx));
  const std::string guess = did_you_mean(dataset, names);
  return not_found(fmt::format("there is no version of dataset \"{}\"{}", dataset,
                               !guess.empty()  ? guess
                               : names.empty() ? "; the store holds no dataset yet"
                                               : "; there are: " + join(names, ", ")));
}

Result<VersionRecord> by_digest(const metadata::ReadTransaction& tx, const std::string& text,
                                const std::string& dataset) {
  MARTLET_TRY_SET(const Digest digest, Digest::parse(text));
  metadata::Condition condition = equal("digest", digest);
  if (!dataset.empty()) condition = std::move(condition) && equal("dataset", dataset);
  MARTLET_TRY_SET(auto record, tx.first<VersionRecord>(Query(std::move(condition))
                                                           .order_by("created", Order::Descending)
                                                           .order_by("number", Order::Descending)));
  if (record) return std::move(*record);
  return not_found(fmt::format("there is no dataset version with digest {}{}", digest.short_text(),
                               dataset.empty() ? "" : " of \"" + dataset + "\""));
}

Result<VersionRecord> find_record(const metadata::ReadTransaction& tx, std::string_view reference) {
  const std::size_t at = reference.rfind('@');
  if (at == std::string_view::npos) {
    if (reference.starts_with("sha256:")) return by_digest(tx, std::string(reference), "");
    return require_latest(tx, std::string(reference));
  }
  const std::string dataset(reference.substr(0, at));
  std::string_view which = reference.substr(at + 1);
  if (which == "latest") return require_latest(tx, dataset);
  if (which.starts_with("sha256:")) return by_digest(tx, std::string(which), dataset);
  if (which.starts_with('v')) which.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(which.data(), which.data() + which.size(), number);
  if (code != std::errc() || end != which.data() + which.size()) {
    return invalid_argument(fmt::format(
        "\"{}\" names no dataset version; write name, name@v3, name@latest or name@sha256:…",
        reference));
  }
  MARTLET_TRY_SET(auto record, tx.get<VersionRecord>(dataset, number));
  if (record) return std::move(*record);
  MARTLET_TRY_SET(const VersionRecord latest, require_latest(tx, dataset));
  return not_found(fmt::format("dataset \"{}\" has no version {}; its versions are 1 to {}",
                               dataset, number, latest.number));
}

Json parts_json(const std::vector<DatasetPart>& parts) {
  Json list = Json::array();
  for (const auto& part : parts) list.push_back(to_json(part));
  return list;
}

std::string unmet(const std::vector<ExpectationResult>& results) {
  std::vector<std::string> texts;
  for (const auto& result : results) {
    if (result.severity != Severity::Fail || result.passed != false) continue;
    texts.push_back(fmt::format(
        "{} ({})", result.expectation,
        result.note.empty() ? fmt::format("{} rows break it", result.failed_rows) : result.note));
  }
  return join(texts, "; ");
}

}  // namespace

Result<DatasetVersion> version_of(const metadata::ReadTransaction& tx,
                                  const VersionRecord& record) {
  MARTLET_TRY_SET(const auto provenance,
                  tx.require<ProvenanceRecord>("the provenance of dataset version", record.dataset,
                                               record.number));
  auto version = version_from_json({{"dataset", record.dataset},
                                    {"number", record.number},
                                    {"digest", record.digest.text()},
                                    {"schema", record.schema},
                                    {"parts", record.parts},
                                    {"created", to_text(record.created)},
                                    {"provenance", provenance.provenance}});
  if (version.has_value()) return version;
  return corrupt(fmt::format("the record of dataset version {}@v{}: {}", record.dataset,
                             record.number, version.error().message()));
}

metadata::SchemaGroup data_schema() {
  return {"data",
          {{1, "dataset versions and their provenance",
            [](metadata::SchemaEditor& schema) -> Result<void> {
              MARTLET_TRY(schema.create_table<VersionRecord>());
              MARTLET_TRY(schema.create_index<VersionRecord>({"digest"}));
              return schema.create_table<ProvenanceRecord>();
            }}}};
}

VersionStore::VersionStore(metadata::Database& database, artifacts::BlobStore& blobs,
                           FileSystem& files, const Clock& clock, std::string scratch,
                           std::size_t rows_per_part)
    : database_(database), blobs_(blobs), files_(files), clock_(clock),
      scratch_(std::move(scratch)), rows_per_part_(rows_per_part) {
  MARTLET_CHECK(rows_per_part_ > 0, "a part holds rows");
}

Result<DatasetPart> VersionStore::store_part(const Batch& rows) {
  MARTLET_TRY(files_.create_directories(scratch_));
  MARTLET_TRY_SET(const auto directory, platform::TemporaryDirectory::create(scratch_, "part-"));
  const std::string path = join_path(directory.path(), "part.parquet");
  MARTLET_TRY(table::write_parquet(rows, path));
  MARTLET_TRY_SET(const artifacts::StoredBlob stored, blobs_.put_file(path));
  DatasetPart part;
  part.rows = static_cast<std::int64_t>(rows.rows());
  part.statistics = part_statistics(rows);
  part.digest = stored.digest;
  part.size_bytes = static_cast<std::int64_t>(stored.size_bytes);
  return part;
}

Result<std::vector<DatasetPart>> VersionStore::store_parts(const Batch& rows) {
  std::vector<DatasetPart> parts;
  for (std::size_t begin = 0; begin < rows.rows(); begin += rows_per_part_) {
    MARTLET_TRY_SET(DatasetPart part,
                    store_part(rows.slice(begin, std::min(rows_per_part_, rows.rows() - begin))));
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<Published> VersionStore::record(DatasetVersion version) {
  const std::string identity = identity_text(version.schema, version.parts);
  version.digest = digest_of(std::string_view(identity));
  version.created = clock_.now();
  MARTLET_TRY(blobs_.put(identity));  // so that the digest alone leads to the schema and the parts
  return database_.write([&](metadata::Transaction& tx) -> Result<Published> {
    MARTLET_TRY_SET(const auto latest, latest_record(tx, version.dataset));
    if (latest && latest->digest == version.digest) {
      MARTLET_TRY_SET(DatasetVersion known, version_of(tx, *latest));
      return Published{std::move(known), false};
    }
    DatasetVersion made = version;
    made.number = latest ? latest->number + 1 : 1;
    VersionRecord row;
    row.dataset = made.dataset;
    row.number = made.number;
    row.digest = made.digest;
    row.rows = made.rows();
    row.schema = made.schema.to_json();
    row.parts = parts_json(made.parts);
    row.created = made.created;
    MARTLET_TRY(tx.insert(row));
    ProvenanceRecord provenance;
    provenance.dataset = made.dataset;
    provenance.number = made.number;
    provenance.provenance = to_json(made.provenance);
    MARTLET_TRY(tx.insert(provenance));
    return Published{std::move(made), true};
  });
}

Result<Published> VersionStore::publish(const BuiltDataset& built,
                                        std::vector<ParentVersion> parents) {
  if (!built.passed()) {
    return conflict(
        fmt::format("dataset \"{}\" is not published, since expectations are not met: {}",
                    built.name, unmet(built.expectations)));
  }
  DatasetVersion version{.dataset = built.name};
  version.schema = built.rows.schema();
  MARTLET_TRY_SET(version.parts, store_parts(built.rows));
  Provenance& provenance = version.provenance;
  provenance.parents = std::move(parents);
  provenance.files = built.files;
  provenance.sql = built.sql;
  for (const auto& entry : built.ledger) provenance.ledger.push_back(to_json(entry));
  for (const auto& result : built.expectations) provenance.expectations.push_back(to_json(result));
  provenance.rows_read = built.rows_read;
  provenance.engine = table::engine_version();
  if (built.quarantined.rows() > 0) {
    MARTLET_TRY_SET(provenance.quarantine, store_part(built.quarantined));
  }
  return record(std::move(version));
}

Result<Published> VersionStore::append(const std::string& dataset, const Batch& rows,
                                       std::vector<SourceFile> files) {
  MARTLET_TRY_SET(DatasetVersion version, find(dataset + "@latest"));
  if (rows.schema() != version.schema) {
    return invalid_argument(
        fmt::format("the rows to append to \"{}\" have other columns or types than {}", dataset,
                    version.name()));
  }
  if (rows.rows() == 0) return Published{std::move(version), false};
  MARTLET_TRY_SET(const auto parts, store_parts(rows));
  Provenance provenance;
  provenance.parents = {{version.dataset, version.number, version.digest}};
  provenance.files = std::move(files);
  provenance.rows_read = static_cast<std::int64_t>(rows.rows());
  provenance.engine = table::engine_version();
  version.parts.insert(version.parts.end(), parts.begin(), parts.end());
  version.provenance = std::move(provenance);
  return record(std::move(version));
}

Result<Published> VersionStore::adopt(const DatasetVersion& version,
                                      const artifacts::BlobStore& from) {
  const auto copy = [&](const DatasetPart& part) -> Result<void> {
    MARTLET_TRY_SET(const auto local, from.local_path(part.digest));
    if (local.has_value()) {
      MARTLET_TRY(blobs_.put_file(*local));
    } else {
      MARTLET_TRY_SET(const std::string bytes, from.get(part.digest));
      MARTLET_TRY(blobs_.put(bytes));
    }
    return {};
  };
  std::vector<DatasetPart> parts = version.parts;
  if (version.provenance.quarantine) parts.push_back(*version.provenance.quarantine);
  for (const DatasetPart& part : parts) {
    if (auto copied = copy(part); !copied.has_value())
      return fail(std::move(copied).error().with_context("taking over " + version.name()));
  }
  return record(version);
}

Result<std::vector<DatasetSummary>> VersionStore::list() const {
  return database_.read(
      [&](const metadata::ReadTransaction& tx) -> Result<std::vector<DatasetSummary>> {
        std::vector<DatasetSummary> all;
        MARTLET_TRY_SET(const auto names, dataset_names(tx));
        for (const auto& name : names) {
          MARTLET_TRY_SET(const VersionRecord latest, require_latest(tx, name));
          DatasetSummary summary{.dataset = name};
          MARTLET_TRY_SET(summary.versions, tx.count<VersionRecord>(equal("dataset", name)));
          MARTLET_TRY_SET(summary.latest, version_of(tx, latest));
          all.push_back(std::move(summary));
        }
        return all;
      });
}

Result<std::vector<DatasetVersion>> VersionStore::versions(const std::string& dataset) const {
  return database_.read(
      [&](const metadata::ReadTransaction& tx) -> Result<std::vector<DatasetVersion>> {
        MARTLET_TRY(require_latest(tx, dataset));
        MARTLET_TRY_SET(
            const auto records,
            tx.select<VersionRecord>(
                Query(equal("dataset", dataset)).order_by("number", Order::Descending)));
        std::vector<DatasetVersion> all;
        for (const auto& one : records) {
          MARTLET_TRY_SET(DatasetVersion version, version_of(tx, one));
          all.push_back(std::move(version));
        }
        return all;
      });
}

Result<std::optional<DatasetVersion>> VersionStore::latest(const std::string& dataset) const {
  return database_.read(
      [&](const metadata::ReadTransaction& tx) -> Result<std::optional<DatasetVersion>> {
        MARTLET_TRY_SET(const auto latest, latest_record(tx, dataset));
        if (!latest) return std::optional<DatasetVersion>();
        MARTLET_TRY_SET(DatasetVersion version, version_of(tx, *latest));
        return std::optional<DatasetVersion>(std::move(version));
      });
}

Result<DatasetVersion> VersionStore::find(std::string_view reference) const {
  return database_.read([&](const metadata::ReadTransaction& tx) -> Result<DatasetVersion> {
    MARTLET_TRY_SET(const VersionRecord record, find_record(tx, reference));
    return version_of(tx, record);
  });
}

Result<std::vector<std::string>> VersionStore::local_parts(const DatasetVersion& version) const {
  std::vector<std::string> paths;
  for (const auto& part : version.parts) {
    MARTLET_TRY_SET(const auto local, blobs_.local_path(part.digest));
    if (local) {
      paths.push_back(*local);
      continue;
    }
    const std::string copy = join_path(scratch_, part.digest.hex() + ".parquet");
    if (!files_.exists(copy)) {
      MARTLET_TRY_SET(const std::string bytes, blobs_.get(part.digest));
      MARTLET_TRY(files_.create_directories(scratch_));
      MARTLET_TRY(files_.write_file_durably(copy, bytes));
    }
    paths.push_back(copy);
  }
  return paths;
}

Result<Batch> VersionStore::load(const DatasetVersion& version,
                                 std::span<const std::string> columns) const {
  auto loaded = [&]() -> Result<Batch> {
    if (version.parts.empty()) {
      std::vector<columns::Column> none;
      for (const auto& field : version.schema.fields())
        none.push_back(columns::Column::missing(field.type, 0));
      const Batch empty(version.schema, std::move(none));
      return columns.empty() ? Result<Batch>(empty) : empty.select(columns);
    }
    MARTLET_TRY_SET(const auto paths, local_parts(version));
    return table::read_parquet(paths, {.columns = {columns.begin(), columns.end()}});
  }();
  if (!loaded.has_value())
    return fail(std::move(loaded).error().with_context("loading " + version.name()));
  return loaded;
}

Result<Batch> VersionStore::load_quarantined(const DatasetVersion& version) const {
  if (!version.provenance.quarantine) return Batch();
  DatasetVersion aside = version;
  aside.parts = {*version.provenance.quarantine};
  return load(aside);
}

Result<std::unique_ptr<table::Engine>>
VersionStore::open_sql(std::span<const DatasetVersion> versions,
                       table::EngineOptions options) const {
  options.access = table::Access::UserSql;
  std::string views;
  std::vector<std::pair<std::string, Batch>> empty;
  for (const auto& version : versions) {
    MARTLET_TRY_SET(const auto paths, local_parts(version));
    if (paths.empty()) {
      MARTLET_TRY_SET(Batch none, load(version));
      empty.emplace_back(version.dataset, std::move(none));
      continue;
    }
    std::vector<std::string> quoted;
    for (const auto& path : paths) quoted.push_back(table::quote_text(path));
    options.readable_paths.insert(options.readable_paths.end(), paths.begin(), paths.end());
    views += fmt::format("CREATE VIEW {} AS SELECT * FROM read_parquet([{}]);",
                         table::quote_name(version.dataset), join(quoted, ", "));
  }
  MARTLET_TRY_SET(auto engine, table::Engine::open(options));
  if (!views.empty()) MARTLET_TRY(engine->execute(views));
  for (const auto& [name, rows] : empty) MARTLET_TRY(engine->register_batch(name, rows));
  return engine;
}

Result<VersionDiff> VersionStore::diff(const DatasetVersion& before, const DatasetVersion& after,
                                       std::span<const std::string> key) const {
  VersionDiff diff{.before = before.name(), .after = after.name()};
  diff.parts_before = static_cast<std::int64_t>(before.parts.size());
  diff.parts_after = static_cast<std::int64_t>(after.parts.size());
  std::set<Digest> parts;
  for (const auto& part : before.parts) parts.insert(part.digest);
  for (const auto& part : after.parts) diff.parts_shared += parts.contains(part.digest) ? 1 : 0;
  MARTLET_TRY_SET(const Batch a, load(before));
  MARTLET_TRY_SET(const Batch b, load(after));
  MARTLET_TRY_SET(diff.table, diff_tables(a, b, key));
  return diff;
}

Result<std::vector<Digest>> VersionStore::referenced_blobs() const {
  artifacts::BlobReferences found;
  MARTLET_TRY(database_.read(
      [&](const metadata::ReadTransaction& tx) { return add_references(tx, found); }));
  if (!found.unreadable.empty()) return corrupt(found.unreadable.front().message);
  std::set<Digest> needed;
  for (const artifacts::BlobReference& reference : found.blobs) needed.insert(reference.digest);
  return std::vector<Digest>(needed.begin(), needed.end());
}

}  // namespace martlet::data
