#include "artifacts/blob_store.h"
#include "data/dataset_builder.h"
#include "data/profile.h"
#include "data/version_store.h"
#include "evaluation/drift.h"
#include "lifecycle/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace martlet::lifecycle {

namespace {

// What was found, one line per expectation that matters to a reader.
void log_expectations(const workflow::StepContext& context, const data::BuiltDataset& built) {
  for (const data::ExpectationResult& result : built.expectations) {
    if (result.passed.value_or(true)) continue;
    context.log(fmt::format("{} ({}): not met: {} rows, {:.3g} %{}", result.expectation,
                            data::name_of(result.severity), result.failed_rows, 100 * result.share,
                            result.note.empty() ? "" : "; " + result.note));
  }
}

// Expectations of drift against the previous version, which data leaves to us: the largest
// stability index of any column counts. The first version has nothing to be compared with.
Result<void> judge_drift(const data::DatasetConfig& config, const data::VersionStore& versions,
                         data::BuiltDataset& built) {
  const auto is_drift = [](const data::Expectation& expectation) {
    return expectation.kind == data::ExpectationKind::Drift;
  };
  if (std::none_of(config.expect.begin(), config.expect.end(), is_drift)) return {};
  MARTLET_TRY_SET(const std::optional<data::DatasetVersion> previous, versions.latest(config.name));
  if (!previous.has_value()) return {};
  MARTLET_TRY_SET(const columns::Batch before, versions.load(*previous));
  MARTLET_TRY_SET(const evaluation::DriftReport report, evaluation::drift(before, built.rows));
  const evaluation::ColumnDrift* worst = nullptr;
  for (const evaluation::ColumnDrift& column : report.columns) {
    if (column.psi.has_value() && (worst == nullptr || *column.psi > *worst->psi)) worst = &column;
  }
  for (std::size_t i = 0; i < config.expect.size() && i < built.expectations.size(); ++i) {
    if (!is_drift(config.expect[i])) continue;
    data::ExpectationResult& result = built.expectations[i];
    result.passed = worst == nullptr || *worst->psi <= config.expect[i].max_psi;
    result.note = worst == nullptr ? "no column can be compared with " + previous->name()
                                   : fmt::format("psi {:.4g} of {} against {}", *worst->psi,
                                                 worst->name, previous->name());
  }
  return {};
}

// Why rows were set aside, the commonest reason first: what a report shows of them.
Json quarantine_json(const columns::Batch& quarantined) {
  constexpr std::size_t kMostReasons = 20;
  const columns::Column* reasons = quarantined.find(data::kReason);
  if (reasons == nullptr) return Json::array();
  std::map<std::string, std::int64_t> counts;
  for (std::size_t row = 0; row < reasons->size(); ++row)
    ++counts[columns::to_text(reasons->cell(row))];
  std::vector<std::pair<std::string, std::int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (sorted.size() > kMostReasons) sorted.resize(kMostReasons);
  Json list = Json::array();
  for (const auto& [reason, rows] : sorted)
    list.push_back(Json{{"reason", reason}, {"rows", rows}});
  return list;
}

}  // namespace

Result<Json> ingest_step(Workshop& workshop, const workflow::StepContext& context) {
  const Project& project = workshop.project();
  const Store& store = workshop.store();
  MARTLET_TRY_SET(const std::string name,
                  text_member(context.parameters, "dataset", "an ingest step"));
  data::BuildOptions options;
  options.directory = project.directory;
  options.zone = project.problem.zone;
  options.now = store.host().clock.now();
  options.reading_threads = workshop.threads();
  options.temp_directory = store.scratch_directory();
  options.limits.cancel = context.cancel;
  data::DatasetBuilder builder(project.data, store.host().files, options);
  MARTLET_TRY_SET(data::BuiltDataset built, builder.build(name));
  const data::DatasetConfig* config = project.data.find_dataset(name);
  if (config != nullptr && !config->expect_declared) {
    // Nothing was said of this data: what any table should be is judged all the same.
    const bool is_main = name == project.main_dataset().name;
    const std::vector<data::Expectation> inferred = data::infer_expectations(
        built.rows, is_main ? std::span<const std::string>(project.problem.key)
                            : std::span<const std::string>{});
    MARTLET_TRY_SET(const auto results,
                    data::validate(built.rows, inferred, {project.problem.zone, options.now}));
    for (const data::ExpectationResult& result : results) built.expectations.push_back(result);
  }
  data::VersionStore versions(store.database(), store.blobs(), store.host().files,
                              store.host().clock, store.scratch_directory());
  if (config != nullptr) MARTLET_TRY(judge_drift(*config, versions, built));
  log_expectations(context, built);
  std::vector<data::ParentVersion> parents;
  for (const std::string& parent : built.read_datasets) {
    MARTLET_TRY_SET(const auto latest, versions.latest(parent));
    if (latest.has_value()) parents.push_back({parent, latest->number, latest->digest});
  }
  MARTLET_TRY_SET(const data::Published published, versions.publish(built, std::move(parents)));
  context.log(fmt::format(
      "{}: {} rows{}{}", published.version.name(), published.version.rows(),
      built.quarantined.rows() > 0 ? fmt::format(", {} quarantined", built.quarantined.rows()) : "",
      published.is_new ? "" : " (as before)"));
  Json expectations = Json::array();
  for (const data::ExpectationResult& result : built.expectations)
    expectations.push_back(data::to_json(result));
  Json ledger = Json::array();
  for (const data::LedgerEntry& entry : built.ledger) ledger.push_back(data::to_json(entry));
  MARTLET_TRY_SET(const Digest profile,
                  put_json(workshop, data::to_json(data::profile(
                                         built.rows, {.threads = options.reading_threads}))));
  return Json{{"version", published.version.digest.text()},
              {"name", published.version.name()},
              {"rows", published.version.rows()},
              {"rows_read", built.rows_read},
              {"quarantined", built.quarantined.rows()},
              {"quarantine_reasons", quarantine_json(built.quarantined)},
              {"profile", profile.text()},
              {"expectations", std::move(expectations)},
              {"ledger", std::move(ledger)}};
}

}  // namespace martlet::lifecycle
