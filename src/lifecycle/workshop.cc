#include "lifecycle/workshop.h"

#include "data/version_store.h"
#include "platform/threads.h"

namespace martlet::lifecycle {

int Workshop::threads() const { return threads_ > 0 ? threads_ : platform::hardware_threads(); }

Result<columns::Batch> Workshop::rows_of(const Digest& version) const {
  data::VersionStore versions(store_.database(), store_.blobs(), store_.host().files,
                              store_.host().clock, store_.scratch_directory());
  MARTLET_TRY_SET(const data::DatasetVersion found, versions.find(version.text()));
  return versions.load(found);
}

Result<std::shared_ptr<const problem::Problem>> Workshop::problem(const Digest& version) {
  MARTLET_TRY_SET(const std::shared_ptr<const Frame> read, frame(version));
  const std::lock_guard lock(mutex_);
  return problems_.at(version);
}

Result<std::shared_ptr<const Frame>> Workshop::frame(const Digest& version) {
  const std::lock_guard lock(mutex_);
  if (const auto found = frames_.find(version); found != frames_.end()) return found->second;
  MARTLET_TRY_SET(columns::Batch rows, rows_of(version));
  problem::Task task = project_.problem.task.value_or(problem::Task::Binary);
  if (!project_.problem.task.has_value()) {
    MARTLET_TRY_SET(const columns::Column* target, rows.column(project_.problem.target));
    MARTLET_TRY_SET(task, problem::infer_task(*target));
  }
  MARTLET_TRY_SET(problem::Problem bound,
                  problem::Problem::bind(project_.problem, task, rows.schema()));
  MARTLET_TRY_SET(Frame made, frame_of(bound, std::move(rows)));
  problems_[version] = std::make_shared<const problem::Problem>(std::move(bound));
  auto shared = std::make_shared<const Frame>(std::move(made));
  frames_[version] = shared;
  return shared;
}

Result<features::Lookups> Workshop::lookups(const std::map<std::string, Digest>& versions) {
  const std::lock_guard lock(mutex_);
  features::Lookups lookups;
  for (const features::LookupConfig& config : project_.features.lookups) {
    const auto version = versions.find(config.dataset);
    if (version == versions.end())
      return internal_error("no version of dataset " + config.dataset + " was given for look-up " +
                            config.name);
    auto& table = tables_[{config.name, version->second}];
    if (table == nullptr) {
      MARTLET_TRY_SET(const columns::Batch rows, rows_of(version->second));
      MARTLET_TRY_SET(table, features::LookupTable::build(config, rows, version->second.text(),
                                                          project_.problem.zone));
    }
    lookups[config.name] = table;
  }
  return lookups;
}

Result<std::map<std::string, columns::Batch>>
Workshop::lookup_rows(const std::map<std::string, Digest>& versions) const {
  std::map<std::string, columns::Batch> rows;
  for (const features::LookupConfig& config : project_.features.lookups) {
    const auto version = versions.find(config.dataset);
    if (version == versions.end())
      return internal_error("no version of dataset " + config.dataset + " was given for look-up " +
                            config.name);
    MARTLET_TRY_SET(rows[config.name], rows_of(version->second));
  }
  return rows;
}

Result<FitHost> Workshop::fit_host(CancelToken cancel,
                                   std::function<void(std::string_view)> log) const {
  FitHost host;
  MARTLET_TRY_SET(host.training,
                  models::training_host(store_.host().files, store_.scratch_directory()));
  host.threads = threads();
  host.cancel = std::move(cancel);
  host.log = std::move(log);
  return host;
}

}  // namespace martlet::lifecycle
