// lifecycle/internal/import_source.h: what an import reads from, whatever kind of store it is.
//
// A reader reports what it can't read as findings and goes on; an Error ends the import. One thread
// at a time. Readers take nothing of what they read as a path or a size before they have checked
// it.
#pragma once
#include "base/finding.h"
#include "base/result.h"
#include "lifecycle/import.h"
#include "tracking/run.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::artifacts {
class BlobStore;
}

namespace martlet::lifecycle {

struct SourceRun {
  tracking::Run run;         // params, tags, inputs; neither metrics nor artifacts
  std::string artifact_uri;  // as it was recorded
  std::string place;         // what the reader knows it by
};

struct SourceArtifact {
  std::string path;  // within the run's artifacts
  std::int64_t size_bytes = 0;
};

class ImportSource {
 public:
  virtual ~ImportSource() = default;
  virtual std::string_view kind() const = 0;
  // Deleted ones too, by id.
  virtual Result<std::vector<tracking::Experiment>> experiments() = 0;
  // Deleted ones too.
  virtual Result<void> for_each_run(const tracking::Experiment& experiment,
                                    const std::function<Result<void>(const SourceRun&)>& visit) = 0;
  // Every point of every metric, in pieces.
  virtual Result<void>
  for_each_points(const SourceRun& run,
                  const std::function<Result<void>(std::span<const tracking::Metric>)>& visit) = 0;
  virtual Result<std::vector<SourceArtifact>> artifacts(const SourceRun& run) = 0;
  // Its bytes, stored.
  virtual Result<tracking::Artifact> fetch(const SourceRun& run, const SourceArtifact& artifact,
                                           artifacts::BlobStore& blobs) = 0;
  // What the store holds besides, as findings: it isn't imported.
  virtual Result<void> look_for_more() = 0;
};

using Findings = std::vector<Finding>;

// `findings` must outlive the reader.
Result<std::unique_ptr<ImportSource>>
open_file_source(FileSystem& files, const ImportRequest& request, Findings& findings);
Result<std::unique_ptr<ImportSource>> open_database_source(const ImportRequest& request,
                                                           Findings& findings);
Result<std::unique_ptr<ImportSource>> open_server_source(const ImportRequest& request,
                                                         Findings& findings);

// --- what MLflow's stores write, read in one way

inline constexpr std::size_t kPointsAtOnce = 20'000;  // per transaction

void report(Findings& findings, std::string path, std::string_view rule, std::string message);
// "FINISHED", or its number (3); nullopt for another.
std::optional<tracking::RunStatus> mlflow_status(std::string_view text);
// Milliseconds; nullopt beyond what we can hold.
std::optional<Timestamp> mlflow_time(std::int64_t millis);
// The greatest finite double stands for infinity in MLflow's databases.
double mlflow_value(double value);
// Whether MLflow could have made the id: letters, digits, "_" and "-", 256 at most.
bool is_run_id(std::string_view id);
// {source_type, source, schema?, profile?}
Json dataset_details(std::string_view source_type, std::string_view source, std::string_view schema,
                     std::string_view profile);
inline constexpr std::string_view kContextTag = "mlflow.data.context";

}  // namespace martlet::lifecycle
