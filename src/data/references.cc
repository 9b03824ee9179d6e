#include "data/references.h"

#include "artifacts/blob_store.h"
#include "data/internal/version_records.h"
#include "metadata/database.h"
#include "table/parquet_footer.h"

#include <fmt/format.h>

#include <set>

namespace martlet::data {

namespace {

using artifacts::BlobContent;
using artifacts::BlobReference;

constexpr const char* kKind = "dataset version";

std::string name_of(const VersionRecord& record) {
  return fmt::format("{}@v{}", record.dataset, record.number);
}

BlobReference part_of(const std::string& version, std::string part, const DatasetPart& stored) {
  return {stored.digest,
          BlobContent::Bytes,
          {kKind, version, std::move(part)},
          static_cast<std::uint64_t>(stored.size_bytes)};
}

// By dataset and number: the order in which gaps show.
Result<std::vector<VersionRecord>> all_versions(const metadata::ReadTransaction& tx) {
  return tx.select<VersionRecord>(metadata::Query().order_by("dataset").order_by("number"));
}

}  // namespace

Result<void> add_references(const metadata::ReadTransaction& tx, artifacts::BlobReferences& found) {
  MARTLET_TRY_SET(const std::vector<VersionRecord> records, all_versions(tx));
  for (const VersionRecord& record : records) {
    const std::string name = name_of(record);
    found.blobs.push_back({record.digest, BlobContent::Bytes, {kKind, name, "manifest"}});
    const auto version = version_of(tx, record);
    if (!version.has_value()) {
      Finding finding;
      finding.path = fmt::format("{} {}", kKind, name);
      finding.rule = "damaged_record";
      finding.message = version.error().message();
      found.unreadable.push_back(std::move(finding));
      continue;
    }
    for (std::size_t i = 0; i < version->parts.size(); ++i) {
      found.blobs.push_back(part_of(
          name, fmt::format("part {} of {}", i + 1, version->parts.size()), version->parts[i]));
    }
    if (version->provenance.quarantine.has_value())
      found.blobs.push_back(part_of(name, "quarantine", *version->provenance.quarantine));
  }
  return {};
}

Result<std::vector<StoredPart>> stored_parts(const metadata::ReadTransaction& tx) {
  std::vector<StoredPart> parts;
  std::set<Digest> seen;
  MARTLET_TRY_SET(const std::vector<VersionRecord> records, all_versions(tx));
  for (const VersionRecord& record : records) {
    const auto version = version_of(tx, record);
    if (!version.has_value()) continue;  // add_references() has told of it
    const auto add = [&](std::string part, const DatasetPart& stored) {
      if (seen.insert(stored.digest).second)
        parts.push_back({{kKind, name_of(record), std::move(part)}, stored.digest, stored.rows});
    };
    for (std::size_t i = 0; i < version->parts.size(); ++i)
      add(fmt::format("part {} of {}", i + 1, version->parts.size()), version->parts[i]);
    if (version->provenance.quarantine.has_value())
      add("quarantine", *version->provenance.quarantine);
  }
  return parts;
}

Result<std::string> check_part(const artifacts::BlobStore& blobs, const StoredPart& part) {
  MARTLET_TRY_SET(const std::optional<std::string> path, blobs.local_path(part.digest));
  if (!path.has_value()) return std::string();
  const auto rows = table::parquet_rows(std::span(&*path, 1));
  if (!rows.has_value()) return rows.error().message();
  if (rows->front() == part.rows) return std::string();
  return fmt::format("its record says {} rows, the file has {}", part.rows, rows->front());
}

Result<std::vector<Finding>> check_records(const metadata::ReadTransaction& tx) {
  std::vector<Finding> findings;
  const auto report = [&](const std::string& version, std::string_view rule, std::string message) {
    Finding finding;
    finding.path = fmt::format("{} {}", kKind, version);
    finding.rule = rule;
    finding.message = std::move(message);
    findings.push_back(std::move(finding));
  };
  MARTLET_TRY_SET(const std::vector<VersionRecord> records, all_versions(tx));
  const VersionRecord* before = nullptr;
  for (const VersionRecord& record : records) {
    const std::int64_t expected =
        before != nullptr && before->dataset == record.dataset ? before->number + 1 : 1;
    if (record.number != expected) {
      report(name_of(record), "missing_version",
             fmt::format("versions {} to {} of {} are missing before it", expected,
                         record.number - 1, record.dataset));
    }
    before = &record;
    // Else add_references() has told of it.
    if (const auto version = version_of(tx, record);
        version.has_value() && version->rows() != record.rows) {
      report(
          name_of(record), "wrong_row_count",
          fmt::format("its record says {} rows, its parts have {}", record.rows, version->rows()));
    }
  }
  return findings;
}

}  // namespace martlet::data
