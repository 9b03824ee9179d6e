#include "lifecycle/predict.h"

#include "data/version_store.h"
#include "lifecycle/packages.h"
#include "table/csv.h"
#include "table/json_lines.h"
#include "table/parquet.h"

#include <chrono>

namespace martlet::lifecycle {

namespace {

Result<void> write_rows(FileSystem& files, const std::string& path, const columns::Batch& rows) {
  if (path.ends_with(".parquet")) {
    const std::string partial = path + ".new";
    MARTLET_TRY(table::write_parquet(rows, partial));
    MARTLET_TRY(files.rename(partial, path));
    return files.sync_directory(parent_path(path));
  }
  if (path.ends_with(".csv")) return table::write_csv(files, path, rows);
  if (path.ends_with(".jsonl")) return table::write_json_lines(files, path, rows);
  return invalid_argument("writing " + path + ": the name must end with .parquet, .csv or .jsonl");
}

// The rows one by one, when the batch as a whole was refused: what can be scored is, the rest is
// named.
struct Sifted {
  std::vector<std::uint32_t> good;
  std::vector<double> scores;
  std::string rejected;  // JSON lines
  std::int64_t rejections = 0;
};
Result<Sifted> sift(const models::RawPredictor& predictor, const columns::Batch& rows) {
  Sifted sifted;
  for (std::uint32_t i = 0; i < rows.rows(); ++i) {
    auto score = predictor.scores(rows.slice(i, 1));
    if (score.has_value()) {
      sifted.good.push_back(i);
      sifted.scores.push_back(score->front());
      continue;
    }
    sifted.rejected += to_text(Json{{"row", i + 1}, {"reason", score.error().message()}}) + "\n";
    ++sifted.rejections;
  }
  return sifted;
}

}  // namespace

Result<features::Lookups> latest_lookups(const Store& store, const Project& project) {
  data::VersionStore versions(store.database(), store.blobs(), store.host().files,
                              store.host().clock, store.scratch_directory());
  std::map<std::string, Digest> latest;
  for (const features::LookupConfig& lookup : project.features.lookups) {
    MARTLET_TRY_SET(const auto version, versions.latest(lookup.dataset));
    if (!version.has_value()) {
      return not_found("look-up " + lookup.name + " needs dataset " + lookup.dataset +
                       ", which has no version yet; `martlet run` makes one");
    }
    latest[lookup.dataset] = version->digest;
  }
  Workshop workshop(store, project);
  return workshop.lookups(latest);
}

Result<PredictReport> predict(const Store& store, const Project& project,
                              const PredictRequest& request) {
  const auto began = store.host().clock.monotonic();
  registry::ModelRegistry models = registry_of(store);
  MARTLET_TRY_SET(const registry::ModelVersion version,
                  models.resolve(request.model, request.environment));
  MARTLET_TRY_SET(const std::shared_ptr<const models::Package> package,
                  open_package(store, version.package));
  MARTLET_TRY_SET(const features::Lookups lookups, latest_lookups(store, project));
  MARTLET_TRY_SET(const std::shared_ptr<const models::RawPredictor> predictor,
                  package->raw_predictor(lookups));

  PredictReport report;
  report.model = registry::to_text(version.model, version.version);
  report.output = request.output;
  columns::Batch rows = request.rows;
  auto scores =
      score(package->feature_program(), *package->predictor(), rows, lookups, store.host().pool);
  if (!scores.has_value()) {
    // A missing or ill-typed column concerns every row; anything else is some row's fault.
    for (const features::InputField& input : predictor->inputs()) {
      const columns::Column* column = rows.find(input.name);
      if ((column == nullptr && input.required) ||
          (column != nullptr && column->type() != input.type))
        return fail(std::move(scores).error());
    }
    MARTLET_TRY_SET(Sifted sifted, sift(*predictor, rows));
    MARTLET_TRY(
        store.host().files.write_file_durably(request.output + ".rejected.jsonl", sifted.rejected));
    report.rejected = sifted.rejections;
    rows = rows.take(sifted.good);
    scores = std::move(sifted.scores);
  }
  if (request.only_key) {
    MARTLET_TRY_SET(rows, rows.select(project.problem.key));
  }
  const std::vector<double> decided = decide(
      package->manifest().threshold.has_value() ? problem::Task::Binary : problem::Task::Regression,
      *scores, package->manifest().threshold.value_or(0));
  if (package->manifest().threshold.has_value()) {
    std::vector<std::uint8_t> flags;
    for (const double decision : decided) flags.push_back(decision != 0 ? 1 : 0);
    rows = rows.with("score", columns::Column::of_doubles(std::move(*scores)))
               .with("predicted", columns::Column::of_bools(std::move(flags)));
  } else {
    rows = rows.with("predicted", columns::Column::of_doubles(std::move(*scores)));
  }
  MARTLET_TRY(write_rows(store.host().files, request.output, rows));
  report.rows = static_cast<std::int64_t>(rows.rows());
  report.seconds = std::chrono::duration<double>(store.host().clock.monotonic() - began).count();
  return report;
}

Json PredictReport::to_json() const {
  return Json{{"rows", rows},
              {"rejected", rejected},
              {"seconds", seconds},
              {"output", output},
              {"model", model}};
}

}  // namespace martlet::lifecycle
