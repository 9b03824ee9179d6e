#include "lifecycle/serve.h"

#include "data/version_store.h"
#include "deployment/admission.h"
#include "deployment/inference_service.h"
#include "deployment/model_slot.h"
#include "deployment/served_model.h"
#include "lifecycle/logged_prediction.h"
#include "lifecycle/packages.h"
#include "lifecycle/predict.h"
#include "metadata/database.h"
#include "monitoring/prediction_log.h"
#include "platform/library_pages.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace martlet::lifecycle {

namespace {

constexpr std::chrono::milliseconds kLook{1000};
constexpr std::chrono::milliseconds kFlush{100};

}  // namespace

struct LiveDeployment::State {
  State(const Store& opened, const Project& parsed, registry::Environment where)
      : store(opened), project(parsed), environment(where),
        name(std::string(registry::name_of(where)) + "/" + parsed.name),
        truth_store(opened.database(), name) {}

  // Where one version's predictions go: the log whose rows have that version's columns. Bound by
  // refresh(), and again by the watcher when a log could not be opened; requests only read it.
  class Sink : public deployment::PredictionSink {
   public:
    explicit Sink(State& state) : state_(state) {}
    bool record(const deployment::PredictionEvent& event) override {
      monitoring::PredictionLog* const log = log_.load(std::memory_order_acquire);
      if (log == nullptr) return false;
      const bool kept = log->append(logged(event));
      if (!state_.waiting.exchange(true)) state_.wake.notify_one();
      return kept;
    }
    bool bound() const { return log_.load(std::memory_order_relaxed) != nullptr; }
    void bind(std::shared_ptr<monitoring::PredictionLog> log) {
      owned_ = std::move(log);
      log_.store(owned_.get(), std::memory_order_release);
    }

   private:
    State& state_;
    std::shared_ptr<monitoring::PredictionLog> owned_;
    std::atomic<monitoring::PredictionLog*> log_{nullptr};
  };

  // Gives the live model's sink a log with its columns; an earlier one when it has them.
  void bind_log(const columns::Schema& schema) {
    for (const auto& log : logs) {
      if (log->schema() == schema) return sink->bind(log);
    }
    auto opened =
        monitoring::PredictionLog::open(store.host().files, store.predictions_directory(name),
                                        schema, new_id(store.host().clock, store.host().random));
    if (!opened.has_value()) {
      store.host().log.error("predictions.not_logged", {{"why", opened.error().message()}});
      return;
    }
    logs.push_back(std::move(*opened));
    sink->bind(logs.back());
  }

  Result<void> flush() {
    for (std::size_t i = logs.size(); i-- > 0;) {
      // Ours alone: the models that wrote to it are gone, and what they left is written now.
      const bool unused = logs[i].use_count() == 1;
      MARTLET_TRY(logs[i]->flush());
      if (unused) logs.erase(logs.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return {};
  }

  // Which versions of the look-ups' datasets are the latest now.
  Result<std::string> lookup_state() const {
    data::VersionStore versions(store.database(), store.blobs(), store.host().files,
                                store.host().clock, store.scratch_directory());
    std::string state;
    for (const features::LookupConfig& lookup : project.features.lookups) {
      MARTLET_TRY_SET(const auto latest, versions.latest(lookup.dataset));
      state += (latest.has_value() ? latest->digest.hex() : "none") + ";";
    }
    return state;
  }

  Result<columns::Schema> key_schema() const {
    data::VersionStore versions(store.database(), store.blobs(), store.host().files,
                                store.host().clock, store.scratch_directory());
    MARTLET_TRY_SET(const auto latest, versions.latest(project.main_dataset().name));
    std::vector<columns::Field> fields;
    for (const std::string& column : project.problem.key) {
      const auto index = latest.has_value() ? latest->schema.find(column) : std::nullopt;
      fields.push_back(
          {column, index.has_value() ? latest->schema[*index].type : columns::Type::Text});
    }
    return columns::Schema(std::move(fields));
  }

  // Brings the slot up to date. True when something changed.
  Result<bool> refresh() {
    registry::ModelRegistry models = registry_of(store);
    MARTLET_TRY_SET(const registry::ModelName model, registry::ModelName::parse(project.name));
    MARTLET_TRY_SET(const auto live, models.target_of(model, environment, registry::live_alias()));
    if (!live.has_value()) {
      return not_found("no version of " + project.name + " is live in " +
                       std::string(registry::name_of(environment)) +
                       "; `martlet run` makes one live when its gates pass");
    }
    MARTLET_TRY_SET(const std::string tables, lookup_state());
    if (live->version == version && tables == lookups_seen) return false;
    MARTLET_TRY_SET(const std::shared_ptr<const models::Package> package,
                    open_package(store, live->package));
    MARTLET_TRY_SET(const features::Lookups lookups, latest_lookups(store, project));
    MARTLET_TRY_SET(const columns::Schema key, key_schema());
    auto own_sink = std::make_shared<Sink>(*this);
    MARTLET_TRY_SET(std::shared_ptr<const deployment::ServedModel> served,
                    deployment::ServedModel::create({package, lookups, model, live->version, key,
                                                     project.problem.zone, own_sink}));
    sink = std::move(own_sink);
    bind_log(schema_of(served->inputs()));
    (void)slot.swap(std::move(served));
    version = live->version;
    lookups_seen = tables;
    // Building tables and reading Parquet leave free memory behind, and DuckDB isn't used again
    // until something changes.
    platform::release_free_memory();
    (void)platform::release_library_pages("libduckdb");
    store.host().log.info("deployment.swapped", {{"model", registry::to_text(model, version)},
                                                 {"environment", registry::name_of(environment)}});
    return true;
  }

  void watch() {
    std::int64_t seen = store.database().data_version().value_or(0);
    std::unique_lock lock(watch_mutex);
    while (!closing) {
      wake.wait_for(lock, waiting ? kFlush : kLook, [this] { return closing; });
      lock.unlock();
      if (!sink->bound()) bind_log(schema_of(slot.current()->inputs()));
      if (waiting.exchange(false)) {
        if (auto flushed = flush(); !flushed.has_value()) {
          store.host().log.error("predictions.not_durable", {{"why", flushed.error().message()}});
        }
      }
      const auto now = store.database().data_version();
      if (now.has_value() && *now != seen) {
        seen = *now;
        if (auto changed = refresh(); !changed.has_value()) {
          store.host().log.error("deployment.not_swapped", {{"why", changed.error().message()}});
        }
      }
      lock.lock();
    }
  }

  const Store& store;
  const Project& project;
  registry::Environment environment;
  std::string name;
  // Used by open(), then by the watcher alone, then by close().
  std::vector<std::shared_ptr<monitoring::PredictionLog>> logs;
  std::shared_ptr<Sink> sink;  // the live model's
  deployment::ModelSlot slot;
  deployment::Admission admission;
  std::unique_ptr<deployment::InferenceService> service;
  monitoring::TruthStore truth_store;
  registry::Version version;
  std::string lookups_seen;

  std::mutex watch_mutex;  // guards closing
  std::condition_variable wake;
  bool closing = false;
  std::atomic<bool> waiting{false};  // something was logged since the last flush
  std::thread watcher;
};

LiveDeployment::LiveDeployment(std::unique_ptr<State> state) : state_(std::move(state)) {}

LiveDeployment::~LiveDeployment() {
  if (auto closed = close(); !closed.has_value()) {
    state_->store.host().log.error("predictions.not_durable", {{"why", closed.error().message()}});
  }
}

Result<std::unique_ptr<LiveDeployment>> LiveDeployment::open(const Store& store,
                                                             const Project& project,
                                                             registry::Environment environment) {
  auto state = std::make_unique<State>(store, project, environment);
  MARTLET_TRY(state->refresh());
  state->service = std::make_unique<deployment::InferenceService>(
      state->slot, nullptr, store.host().clock, store.host().random, state->admission);
  State& running = *state;
  state->watcher = std::thread([&running] { running.watch(); });
  return std::unique_ptr<LiveDeployment>(new LiveDeployment(std::move(state)));
}

deployment::InferenceService& LiveDeployment::service() { return *state_->service; }
deployment::ModelSlot& LiveDeployment::slot() { return state_->slot; }

namespace {

// One record's key as the text that predictions are logged under.
Result<std::string> key_of(const Json& record, const columns::Schema& key, const Zone& zone) {
  MARTLET_TRY_SET(const Json* given, member(record, "key", "a record"));
  std::vector<columns::Cell> cells;
  for (const columns::Field& field : key.fields()) {
    MARTLET_TRY_SET(const Json* value, member(*given, field.name, "the key"));
    MARTLET_TRY_SET(const columns::Cell cell, columns::cell_from_json(*value, field.type, zone));
    if (cell.missing) return invalid_argument("the key's " + field.name + " is null");
    cells.push_back(cell);
  }
  return monitoring::key_text(cells);
}

Result<monitoring::Truth> truth_of(const Json& record, const columns::Schema& key, const Zone& zone,
                                   Timestamp now) {
  monitoring::Truth truth;
  truth.known_at = now;
  MARTLET_TRY_SET(truth.key, key_of(record, key, zone));
  MARTLET_TRY_SET(const Json* actual, member(record, "actual", "a record"));
  if (actual->is_boolean()) {
    truth.actual = actual->get<bool>() ? 1 : 0;
  } else if (actual->is_number()) {
    truth.actual = actual->get<double>();
  } else if (!actual->is_null()) {
    return invalid_argument(
        "\"actual\" must be true, false, a number, or null when it will never be known");
  }
  if (const auto known = record.find("known_at"); known != record.end()) {
    MARTLET_TRY_SET(const columns::Cell cell,
                    columns::cell_from_json(*known, columns::Type::Timestamp, zone));
    if (!cell.missing) truth.known_at = Timestamp{cell.integer};
  }
  return truth;
}

Json json_of(const monitoring::AcceptedTruth& counts) {
  return Json{
      {"fresh", counts.fresh}, {"corrected", counts.corrected}, {"repeated", counts.repeated}};
}

}  // namespace

Result<Json> LiveDeployment::accept_truth(const Json& records, const metadata::Also<Json>& also) {
  const auto model = state_->slot.current();
  if (model == nullptr) return unavailable("no model is live");
  const Timestamp now = state_->store.host().clock.now();
  std::vector<monitoring::Truth> truths;
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < records.size(); ++i) {
    auto truth = truth_of(records[i], model->key(), model->zone(), now);
    if (truth.has_value()) {
      truths.push_back(std::move(*truth));
    } else {
      findings.push_back(
          {"records[" + std::to_string(i) + "]", "record", truth.error().message(), "", 0, 0});
    }
  }
  if (!findings.empty()) return invalid("accepting ground truth", std::move(findings));
  metadata::Also<monitoring::AcceptedTruth> with_counts;
  if (also) {
    with_counts = [&also](metadata::Transaction& tx, const monitoring::AcceptedTruth& counts) {
      return also(tx, json_of(counts));
    };
  }
  MARTLET_TRY_SET(const monitoring::AcceptedTruth counts,
                  state_->truth_store.accept(truths, now, with_counts));
  return json_of(counts);
}

std::string LiveDeployment::live_version() const {
  const auto current = state_->slot.current();
  return current == nullptr ? "" : registry::to_text(current->name(), current->version());
}

Result<void> LiveDeployment::close() {
  {
    const std::lock_guard lock(state_->watch_mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
  if (state_->watcher.joinable()) state_->watcher.join();
  return state_->flush();
}

}  // namespace martlet::lifecycle
