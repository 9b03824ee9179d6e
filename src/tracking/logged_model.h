// tracking/logged_model.h: models that runs log: MLflow's "logged models", each with its own files,
// params, tags and metrics, before (or without) being registered under a name.
//
// Not martlet's own packages, which are trees of the blob store with golden rows: those come from
// runs of a pipeline. Values, and LoggedModels, which reads and writes them; one per process, made
// by lifecycle or the server; thread-safe: each call is one transaction.
#pragma once
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "metadata/also.h"
#include "tracking/run.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace martlet::metadata {
class Database;
class ReadTransaction;
class Transaction;
}  // namespace martlet::metadata

namespace martlet::tracking {

enum class LoggedModelStatus : std::uint8_t { Pending, Ready, UploadFailed };
std::string_view name_of(LoggedModelStatus status);  // "pending"
bool parse_name(std::string_view text, LoggedModelStatus& status);

// A metric of it, and the run that measured it.
struct LoggedModelMetric {
  ModelMetric measured;
  RunId run;
};

struct LoggedModel {
  std::string id;  // "m-" and 32 hexadecimal digits
  ExperimentId experiment;
  std::string name;
  std::string type;  // as its maker calls it; may be ""
  RunId source_run;  // may be empty
  std::string creator;
  LoggedModelStatus status = LoggedModelStatus::Pending;
  std::string status_message;
  Lifecycle lifecycle = Lifecycle::Active;
  Timestamp created;
  Timestamp updated;
  Texts params;
  Texts tags;
  std::vector<LoggedModelMetric> metrics;  // the latest of each key and dataset
};

struct NewLoggedModel {
  ExperimentId experiment;
  std::string name;  // "": a made-up one
  std::string type;
  RunId source_run;
  std::string creator;
  Texts params;
  Texts tags;
};

struct LoggedModelOrder {
  std::string field;  // "creation_timestamp", "metrics.auc", "params.depth", "name" …
  bool ascending = true;
  std::string dataset_name;  // of a metric: "" is any
  std::string dataset_digest;
};

struct LoggedModelSearch {
  std::vector<ExperimentId> experiments;
  // The search language over the attributes name, model_id, model_type, status, source_run_id,
  // experiment_id, creation_timestamp, last_updated_timestamp, and metrics.KEY, params.KEY,
  // tags.KEY.
  std::string filter;
  // Metrics of the filter are those measured on one of these; none: on any.
  std::vector<std::pair<std::string, std::string>> datasets;  // name, digest ("": any)
  std::vector<LoggedModelOrder> order_by;                     // none: the newest first
  std::int64_t limit = 50;
  std::int64_t offset = 0;
};

struct LoggedModelPage {
  std::vector<LoggedModel> models;
  bool more = false;
};

class LoggedModels {
 public:
  // All outlive it.
  LoggedModels(metadata::Database& database, const Clock& clock, Random& random)
      : database_(database), clock_(clock), random_(random) {}

  // NotFound for an unknown experiment or run, InvalidArgument for a deleted experiment and for
  // names with any of / : . % " '.
  Result<LoggedModel> create(const NewLoggedModel& request,
                             const metadata::Also<LoggedModel>& also = {});
  Result<LoggedModel> model(const std::string& id, bool deleted_too = false) const;  // NotFound
  Result<LoggedModel> set_status(const std::string& id, LoggedModelStatus status,
                                 const std::string& message);
  static Result<LoggedModel> model(const metadata::ReadTransaction& tx, const std::string& id);
  Result<LoggedModel> set_tags(const std::string& id, const Texts& tags);
  Result<LoggedModel> set_tags(metadata::Transaction& tx, const std::string& id, const Texts& tags);
  Result<void> remove_tag(const std::string& id, const std::string& key);  // NotFound
  // InvalidArgument when a param has another value already.
  Result<void> add_params(const std::string& id, const Texts& params);
  Result<void> remove(const std::string& id);  // marks it deleted
  Result<LoggedModelPage> search(const LoggedModelSearch& search) const;

  // A metric that a run has logged of a model: replaces an earlier one of the same key and dataset.
  static Result<void> log(metadata::Transaction& tx, const RunId& run, const ModelMetric& measured);

 private:
  std::string fresh_id();

  metadata::Database& database_;
  const Clock& clock_;
  std::mutex mutex_;  // guards random_
  Random& random_;
};

}  // namespace martlet::tracking
