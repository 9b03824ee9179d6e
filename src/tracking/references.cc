#include "tracking/references.h"

#include "metadata/database.h"
#include "tracking/internal/metric_points.h"
#include "tracking/internal/records.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::tracking {

namespace {
constexpr const char* kKind = "run";
}  // namespace

Result<void> add_references(const metadata::ReadTransaction& tx, artifacts::BlobReferences& found) {
  MARTLET_TRY_SET(const auto artifacts, tx.select<ArtifactRecord>());
  for (const ArtifactRecord& record : artifacts) {
    found.blobs.push_back({record.digest,
                           artifacts::BlobContent::Bytes,
                           {kKind, record.run.text(), "artifact " + record.path},
                           static_cast<std::uint64_t>(record.size_bytes)});
  }
  MARTLET_TRY_SET(const auto files, tx.select<LoggedModelFileRecord>());
  for (const LoggedModelFileRecord& record : files) {
    found.blobs.push_back({record.digest,
                           artifacts::BlobContent::Bytes,
                           {"logged model", record.model, "file " + record.path},
                           static_cast<std::uint64_t>(record.size_bytes)});
  }
  MARTLET_TRY_SET(const auto spans, tx.select<TraceFileRecord>());
  for (const TraceFileRecord& record : spans) {
    found.blobs.push_back({record.digest,
                           artifacts::BlobContent::Bytes,
                           {"trace", record.trace, "file " + record.path},
                           static_cast<std::uint64_t>(record.size_bytes)});
  }
  MARTLET_TRY_SET(const auto parts, tx.select<UploadPartRecord>());
  for (const UploadPartRecord& record : parts) {
    found.blobs.push_back({record.digest,
                           artifacts::BlobContent::Bytes,
                           {"upload", record.upload, fmt::format("part {}", record.number)},
                           static_cast<std::uint64_t>(record.size_bytes)});
  }
  return {};
}

Result<std::vector<Finding>> check_records(const metadata::ReadTransaction& tx) {
  std::vector<Finding> findings;
  const auto report = [&](const RunId& run, std::string_view rule, std::string message) {
    Finding finding;
    finding.path = fmt::format("{} {}", kKind, run.text());
    finding.rule = rule;
    finding.message = std::move(message);
    findings.push_back(std::move(finding));
  };
  MARTLET_TRY_SET(const auto runs, tx.select<RunRecord>());
  for (const RunRecord& run : runs) {
    if (has_ended(run.status) != run.ended.has_value()) {
      report(run.id, "wrong_status",
             fmt::format("it is {}, but {} end is recorded", name_of(run.status),
                         run.ended.has_value() ? "an" : "no"));
    }
  }
  MARTLET_TRY_SET(const auto latest, tx.select<MetricRecord>());
  for (const MetricRecord& metric : latest) {
    MARTLET_TRY_SET(const std::vector<Metric> points, read_points(tx, metric.run, metric.key));
    const Metric kept{metric.key, metric.value, metric.step, metric.at};
    const bool known = std::any_of(points.begin(), points.end(),
                                   [&](const Metric& point) { return same_point(point, kept); });
    if (!known) {
      report(metric.run, "missing_metric_point",
             fmt::format("the latest value of metric {} is not among its points", metric.key));
    }
  }
  return findings;
}

}  // namespace martlet::tracking
