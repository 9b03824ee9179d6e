// tracking/run.h: experiments and runs as values, with MLflow's meaning. Plain data; thread-safe as
// any value is. Server and CLI may include this header.
#pragma once
#include "base/digest.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::tracking {

enum class RunStatus : std::uint8_t { Scheduled, Running, Finished, Failed, Killed };
std::string_view name_of(RunStatus status);  // "running"
bool parse_name(std::string_view text, RunStatus& status);
// The only way in which a run's status changes: an ended run may be resumed (Running) and its
// ending corrected; one that has ended isn't scheduled again. Conflict otherwise.
Result<RunStatus> next_status(RunStatus from, RunStatus to);
inline bool has_ended(RunStatus status) { return status >= RunStatus::Finished; }

// Deleted things stay readable and can be restored; they refuse writes.
enum class Lifecycle : std::uint8_t { Active, Deleted };
std::string_view name_of(Lifecycle lifecycle);
bool parse_name(std::string_view text, Lifecycle& lifecycle);

using Texts = std::map<std::string, std::string>;

// A run's name and its tag of this key are one thing: setting either sets both. The key is
// MLflow's.
inline constexpr std::string_view kNameTag = "mlflow.runName";

struct Experiment {
  ExperimentId id;  // a decimal number, as MLflow's clients expect
  std::string name;
  Lifecycle lifecycle = Lifecycle::Active;
  Timestamp created;
  Timestamp updated;
  Texts tags;
  std::optional<Timestamp> deleted{};  // when, if it is
};

struct Metric {
  std::string key;
  double value = 0;  // may be NaN or infinite
  std::int64_t step = 0;
  Timestamp at;
};

// A dataset version that the run read, and as what: "training", "validation", "test".
struct DatasetInput {
  std::string name;
  std::string digest;  // "sha256:…" for martlet's own dataset versions; whatever MLflow's client
                       // says for others
  std::string context;
  Json details = Json::object();  // source, schema, profile: not interpreted here
};

// A logged model (logged_model.h) that a run read or made.
struct RunModel {
  std::string model;  // its id
  std::int64_t step = 0;
};

// A metric that a run measured of a logged model, on a dataset or none ("").
struct ModelMetric {
  std::string model;
  Metric metric;
  std::string dataset_name;
  std::string dataset_digest;
};

struct Artifact {
  std::string path;  // logical: "report/index.html"
  Digest digest;     // of the blob
  std::int64_t size_bytes = 0;
  Timestamp logged;
};

struct Run {
  RunId id;
  ExperimentId experiment;
  std::string name;
  std::string user;
  RunStatus status = RunStatus::Running;
  Lifecycle lifecycle = Lifecycle::Active;
  Timestamp started;
  std::optional<Timestamp> ended;
  Json facts = Json::object();  // what it ran on: commit, digest of uncommitted changes, seeds,
                                // library versions, CPU features
  Texts params;
  std::map<std::string, Metric> metrics;  // the latest of each key
  Texts tags;
  std::vector<DatasetInput> inputs;
  std::vector<RunModel> model_inputs;
  std::vector<RunModel> model_outputs;
  std::vector<Artifact> artifacts;
  // When, if it is; the same as its experiment's where it was deleted with it.
  std::optional<Timestamp> deleted{};
};

// One batch of what a run says of itself. Applied as a whole or not at all; applying it again
// changes nothing.
struct RunBatch {
  Texts params{};
  std::vector<Metric> metrics{};
  Texts tags{};
  std::vector<DatasetInput> inputs{};
  std::vector<RunModel> model_inputs{};
  std::vector<RunModel> model_outputs{};
  std::vector<ModelMetric> model_metrics{};  // besides `metrics`
};

// InvalidArgument with every finding: keys are words of letters, digits and "_/.- :", at most 250
// characters, normalised as paths ("a/../b" is none); params at most 6,000 characters, tags 8,000;
// inputs have a name and a digest.
Result<void> check_batch(const RunBatch& batch);

// Likewise of an experiment's tags, which may have 20,000 characters.
Result<void> check_experiment_tags(const Texts& tags);

// Whether `candidate` replaces `current` as the latest: the greater of (step, time, value), NaN
// counting as 0. Source: MLflow's SQL store.
bool is_later(const Metric& candidate, const Metric& current);

enum class DifferenceKind : std::uint8_t { Param, Metric, Tag, Input, Artifact, Fact };
std::string_view name_of(DifferenceKind kind);

// One line of a comparison; null where a run doesn't have it.
struct Difference {
  DifferenceKind kind = DifferenceKind::Param;
  std::string key;
  Json first;
  Json second;
  bool equal = false;
};
// Everything that either run has but its name, by kind and key. NaN equals NaN.
std::vector<Difference> compare(const Run& first, const Run& second);

}  // namespace martlet::tracking
