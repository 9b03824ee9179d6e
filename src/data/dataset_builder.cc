#include "data/dataset_builder.h"

#include "base/text.h"

#include <algorithm>

namespace martlet::data {

using columns::Batch;
using columns::Column;
using columns::Type;

Separated set_aside(const Batch& batch, std::span<const ExpectationResult> results) {
  std::map<std::uint32_t, std::string> reasons;  // by row
  for (const ExpectationResult& result : results) {
    if (result.severity != Severity::Quarantine || result.passed != false) continue;
    for (const std::uint32_t row : result.rows) {
      std::string& reason = reasons[row];
      reason += (reason.empty() ? "" : "; ") + result.expectation;
    }
  }
  std::vector<std::uint32_t> kept;
  std::vector<std::uint32_t> aside;
  columns::Texts texts;
  for (std::uint32_t row = 0; row < batch.rows(); ++row) {
    const auto at = reasons.find(row);
    if (at == reasons.end()) {
      kept.push_back(row);
    } else {
      aside.push_back(row);
      texts.push_back(at->second);
    }
  }
  return {aside.empty() ? batch : batch.take(kept),
          batch.take(aside).with(kReason, Column::of_texts(std::move(texts)))};
}

DatasetBuilder::DatasetBuilder(const DataConfig& config, FileSystem& files, BuildOptions options)
    : config_(config), files_(files), options_(std::move(options)) {}

Result<Batch> DatasetBuilder::source(const std::string& name) {
  if (const auto known = sources_.find(name); known != sources_.end()) return known->second;
  const FileSource* source = config_.find_source(name);
  if (source == nullptr) {
    std::vector<std::string> names;
    for (const auto& one : config_.sources) names.push_back(one.name);
    return not_found("there is no source \"" + name + "\"" + did_you_mean(name, names));
  }
  MARTLET_TRY_SET(auto files, source_files(files_, *source, options_.directory));
  MARTLET_TRY_SET(Batch batch, read_source(*source, {.directory = options_.directory,
                                                     .zone = options_.zone,
                                                     .threads = options_.reading_threads,
                                                     .limits = options_.limits}));
  source_files_[name] = std::move(files);
  sources_[name] = batch;
  return batch;
}

Result<void> DatasetBuilder::add_source(const std::string& name, BuiltDataset& built) {
  MARTLET_TRY(source(name));
  const auto& files = source_files_[name];
  built.files.insert(built.files.end(), files.begin(), files.end());
  return {};
}

Result<Batch> DatasetBuilder::select(const DatasetConfig& dataset, BuiltDataset& built) {
  if (!dataset.source.empty()) {
    MARTLET_TRY(add_source(dataset.source, built));
    return sources_[dataset.source];
  }
  MARTLET_TRY_SET(auto engine,
                  table::Engine::open({.access = table::Access::UserSql,
                                       .threads = 1,
                                       .memory_limit_bytes = options_.memory_limit_bytes,
                                       .temp_directory = options_.temp_directory,
                                       .zone = options_.zone}));
  for (const auto& name : dataset.reads) {
    const auto other = built_.find(name);
    const bool is_dataset =
        other != built_.end() && name != dataset.name && !config_.find_dataset(name)->implicit;
    if (is_dataset) {
      if (!other->second.passed()) {
        return conflict(
            fmt::format("it reads dataset \"{}\", whose expectations are not met", name));
      }
      built.read_datasets.push_back(name);
      built.files.insert(built.files.end(), other->second.files.begin(), other->second.files.end());
      MARTLET_TRY(engine->register_batch(name, other->second.rows));
    } else {
      MARTLET_TRY(add_source(name, built));
      MARTLET_TRY(engine->register_batch(name, sources_[name]));
    }
  }
  auto rows = engine->query(dataset.sql, {}, options_.limits);
  if (!rows.has_value()) return fail(std::move(rows).error().with_context("running its SQL"));
  return rows;
}

Result<BuiltDataset> DatasetBuilder::build_one(const DatasetConfig& dataset,
                                               std::span<const Expectation> more) {
  BuiltDataset built{.name = dataset.name};
  built.sql = dataset.sql;
  MARTLET_TRY_SET(const Batch selected, select(dataset, built));
  built.rows_read = static_cast<std::int64_t>(selected.rows());
  MARTLET_TRY_SET(Cleaned cleaned, clean(selected, dataset.clean, options_.zone));
  built.ledger = std::move(cleaned.ledger);
  std::vector<Expectation> expectations = dataset.expect;
  expectations.insert(expectations.end(), more.begin(), more.end());
  MARTLET_TRY_SET(built.expectations, validate(cleaned.rows, expectations,
                                               {.zone = options_.zone, .now = options_.now}));
  Separated separated = set_aside(cleaned.rows, built.expectations);
  built.rows = std::move(separated.kept);
  built.quarantined = std::move(separated.quarantined);
  // A file that went in twice, through two datasets, went in once.
  std::sort(built.files.begin(), built.files.end(), [](const SourceFile& a, const SourceFile& b) {
    return std::tie(a.source, a.path) < std::tie(b.source, b.path);
  });
  const auto same = [](const SourceFile& a, const SourceFile& b) {
    return a.source == b.source && a.path == b.path;
  };
  built.files.erase(std::unique(built.files.begin(), built.files.end(), same), built.files.end());
  return built;
}

Result<BuiltDataset> DatasetBuilder::build(std::string_view name,
                                           std::span<const Expectation> more) {
  MARTLET_TRY_SET(const auto order, config_.build_order(name));
  for (const DatasetConfig* dataset : order) {
    if (built_.contains(dataset->name)) continue;
    auto built = build_one(*dataset, dataset->name == name ? more : std::span<const Expectation>());
    if (!built.has_value()) {
      return fail(
          std::move(built).error().with_context(fmt::format("dataset \"{}\"", dataset->name)));
    }
    built_[dataset->name] = std::move(*built);
  }
  return built_[std::string(name)];
}

}  // namespace martlet::data
