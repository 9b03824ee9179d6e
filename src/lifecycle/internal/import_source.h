// lifecycle/internal/import_source.h: what an import reads from, whatever kind of store it is.
//
// A reader reports what it can't read as findings and goes on; an Error ends the import. One thread
// at a time. Readers take nothing of what they read as a path or a size before they have checked
// it.
#pragma once
#include "base/findings.h"
#include "base/result.h"
#include "lifecycle/import.h"
#include "registry/model_version.h"
#include "tracking/logged_model.h"
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

// Who has artifacts: a run, or a logged model.
struct SourceOwner {
  enum class Kind : std::uint8_t { Run, LoggedModel };
  Kind kind = Kind::Run;
  std::string experiment;    // as the store calls it
  std::string id;            // an is_run_id()
  std::string artifact_uri;  // as it was recorded
  std::string place;         // what the reader knows it by

  // "run c374…", "logged model m-5f…"
  std::string told() const { return (kind == Kind::Run ? "run " : "logged model ") + id; }
};

struct SourceRun {
  tracking::Run run;  // params, tags, inputs, models; neither metrics nor artifacts
  SourceOwner owner;
};

struct SourceLoggedModel {
  tracking::LoggedModel model;
  SourceOwner owner;
};

struct SourceVersion {
  registry::ModelVersion version;  // its source as it was recorded
  std::string storage;             // where the store keeps its files; "": where the source says
};

struct SourceRegisteredModel {
  registry::RegisteredModel model;  // with its aliases
  std::vector<SourceVersion> versions;
};

struct SourceArtifact {
  std::string path;  // within its owner's artifacts
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
  // Deleted ones too, where the store tells them.
  virtual Result<void>
  for_each_logged_model(const tracking::Experiment& experiment,
                        const std::function<Result<void>(const SourceLoggedModel&)>& visit) = 0;
  // With all their versions, by number.
  virtual Result<void> for_each_registered_model(
      const std::function<Result<void>(const SourceRegisteredModel&)>& visit) = 0;
  virtual Result<std::vector<SourceArtifact>> artifacts(const SourceOwner& owner) = 0;
  // Its bytes, stored; of the owner whose artifacts were listed last.
  virtual Result<tracking::Artifact> fetch(const SourceOwner& owner, const SourceArtifact& artifact,
                                           artifacts::BlobStore& blobs) = 0;
  // What the store holds besides, as findings: it isn't imported.
  virtual Result<void> look_for_more() = 0;
};

// `findings` must outlive the reader.
Result<std::unique_ptr<ImportSource>>
open_file_source(FileSystem& files, const ImportRequest& request, Findings& findings);
Result<std::unique_ptr<ImportSource>> open_database_source(const ImportRequest& request,
                                                           Findings& findings);
Result<std::unique_ptr<ImportSource>> open_server_source(const ImportRequest& request,
                                                         Findings& findings);

// --- what MLflow's stores write, read in one way

inline constexpr std::size_t kPointsAtOnce = 20'000;  // per transaction

// "FINISHED", or its number (3); nullopt for another.
std::optional<tracking::RunStatus> mlflow_status(std::string_view text);
// Of a logged model: "READY", "LOGGED_MODEL_READY", or its number (2); nullopt for another.
std::optional<tracking::LoggedModelStatus> mlflow_model_status(std::string_view text);
// Sets name, source, run, stage and status by their texts; says what isn't one. Other texts are
// taken as they are.
struct VersionTexts {
  std::string name, number, source, run, stage, status;
};
std::optional<std::string> read_version(const VersionTexts& texts, registry::ModelVersion& version);
// Adds an alias, or says why it is none. It is one of `experiment`, as those of clients are.
void read_alias(registry::RegisteredModel& model, const std::string& alias, std::int64_t version,
                Findings& findings);
// Milliseconds; nullopt beyond what we can hold.
std::optional<Timestamp> mlflow_time(std::int64_t millis);
// The same of a column that may be empty; `otherwise` then, and beyond what we can hold.
Timestamp time_or(const std::optional<std::int64_t>& millis, Timestamp otherwise);
void sort_by_number(std::vector<SourceVersion>& versions);
// The greatest finite double stands for infinity in MLflow's databases.
double mlflow_value(double value);
// Whether MLflow could have made the id: letters, digits, "_" and "-", 256 at most.
bool is_run_id(std::string_view id);
// {source_type, source, schema?, profile?}
Json dataset_details(std::string_view source_type, std::string_view source, std::string_view schema,
                     std::string_view profile);
inline constexpr std::string_view kContextTag = "mlflow.data.context";
// The stage of a version that was deleted: its record stays.
inline constexpr std::string_view kDeletedStage = "Deleted_Internal";

}  // namespace martlet::lifecycle
