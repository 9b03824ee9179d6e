// The making of a package: models/package.h.
#include "base/file_system.h"
#include "models/internal/row_lines.h"
#include "models/package.h"

#include <bit>
#include <cmath>
#include <set>

namespace martlet::models {
namespace {

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

// The columns of the program, in its order; a missing column is all missing.
Result<columns::Batch> golden_input(const features::FeatureProgram& program,
                                    const columns::Batch& rows) {
  std::vector<std::uint32_t> taken;
  const std::size_t count = std::min(rows.rows(), kGoldenRows);
  for (std::size_t i = 0; i < count; ++i)
    taken.push_back(static_cast<std::uint32_t>(i * rows.rows() / count));
  const columns::Batch some = rows.take(taken);
  std::vector<columns::Column> columns;
  for (const features::InputField& input : program.inputs()) {
    const columns::Column* const column = some.find(input.name);
    if (column != nullptr && column->type() != input.type) {
      return invalid_argument(fmt::format(
          "building a model package: the column {} of the golden rows is {} instead of {}",
          input.name, columns::name_of(column->type()), columns::name_of(input.type)));
    }
    columns.push_back(column != nullptr ? *column : columns::Column::missing(input.type, count));
  }
  return columns::Batch(program.input_schema(), std::move(columns));
}

struct Golden {
  columns::Batch rows;
  std::vector<double> scores;
  std::map<std::string, std::set<std::int64_t>>
      found_days;  // per look-up: days (UTC) of the rows that were found
};

// Scores the rows by both paths, which must agree.
Result<Golden> make_golden(const PackageContents& contents) {
  MARTLET_TRY_SET(const auto predictor,
                  make_raw_predictor(*contents.program, contents.model->predictor, contents.lookups,
                                     contents.threshold));
  Golden golden;
  MARTLET_TRY_SET(golden.rows, golden_input(*contents.program, contents.golden_rows));
  MARTLET_TRY_SET(golden.scores, predictor->scores(golden.rows));
  MARTLET_TRY_SET(const auto scorer, predictor->row_scorer());
  for (std::size_t i = 0; i < golden.rows.rows(); ++i) {
    const columns::Row row = golden.rows.row(i);
    MARTLET_TRY_SET(const double score, scorer->score(row.cells()));
    if (std::bit_cast<std::uint64_t>(score) != std::bit_cast<std::uint64_t>(golden.scores[i])) {
      return internal_error(fmt::format(
          "building a model package: golden row {} scores {} as a row and {} in a batch", i,
          shortest(score), shortest(golden.scores[i])));
    }
    for (const features::LookupHit& hit : scorer->hits()) {
      if (hit.found)
        golden.found_days[std::string(hit.lookup)].insert(hit.at.micros / kMicrosPerDay);
    }
  }
  return golden;
}

std::string golden_text(const Golden& golden) {
  columns::ColumnBuilder scores(columns::Type::Double);
  for (const double score : golden.scores) scores.push_double(score);
  // A name that no column can have: a score is told apart by its place, the last.
  return batch_to_lines(golden.rows.with("\x01score", scores.finish()));
}

// Those rows whose `at` falls on a day, or the day beside it, on which a golden row found
// something: all rows that were found are among them, and what was not found stays so. (Days, since
// `at` may be a date of any zone.)
Result<columns::Batch> lookup_excerpt(const features::LookupConfig& lookup,
                                      const columns::Batch& rows,
                                      const std::set<std::int64_t>& days) {
  MARTLET_TRY_SET(const columns::Column* at, rows.column(lookup.at));
  if (at->type() != columns::Type::Timestamp && at->type() != columns::Type::Date) {
    return invalid_argument(fmt::format("look-up {}: the column {} must be a timestamp or a date",
                                        lookup.name, lookup.at));
  }
  const bool is_date = at->type() == columns::Type::Date;
  std::vector<std::uint32_t> kept;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    if (at->is_missing(i)) continue;
    const std::int64_t day = is_date ? at->int64s()[i] : at->int64s()[i] / kMicrosPerDay;
    if (days.contains(day - 1) || days.contains(day) || days.contains(day + 1))
      kept.push_back(static_cast<std::uint32_t>(i));
  }
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  };
  for (const features::LookupKey& key : lookup.keys) add(key.column);
  add(lookup.at);
  add(lookup.known_at);
  for (const std::string& feature : lookup.features) add(feature);
  MARTLET_TRY_SET(const columns::Batch narrow, rows.select(names));
  return narrow.take(kept);
}

std::string card_of(const PackageContents& contents) {
  if (!contents.card.empty()) return contents.card;
  return fmt::format("# {}\n\nA {} model ({}) that predicts `{}` from {} columns.\n", contents.name,
                     features::name_of(contents.program->task()), contents.model->flavour,
                     contents.target, contents.program->inputs().size());
}

// A JSON text is a YAML text too, so quoting is JSON's.
std::string quoted_text(std::string_view text) { return to_text(Json(text)); }

std::string_view mlflow_type(columns::Type type) {
  switch (type) {
    case columns::Type::Bool: return "boolean";
    case columns::Type::Int64: return "long";
    case columns::Type::Double: return "double";
    case columns::Type::Text: return "string";
    case columns::Type::Timestamp:
    case columns::Type::Date: return "datetime";
  }
  return "string";
}

// A valid MLflow model whose python_function loader is ours. There is no lightgbm flavour on
// purpose: it would feed raw rows to a model that expects features.
std::string mlmodel_text(const PackageContents& contents) {
  Json inputs = Json::array();
  for (const features::InputField& input : contents.program->inputs()) {
    inputs.push_back(
        {{"type", mlflow_type(input.type)}, {"name", input.name}, {"required", input.required}});
  }
  const Json outputs = Json::array({{{"type", "double"}, {"name", "score"}, {"required", true}}});
  std::string text =
      fmt::format("artifact_path: {}\nflavors:\n  martlet:\n    manifest: {}\n    flavour: {}\n"
                  "  python_function:\n    loader_module: martlet\n",
                  quoted_text(contents.name), kManifestFile, contents.model->flavour);
  if (!contents.provenance.run_id.empty())
    text += fmt::format("run_id: {}\n", quoted_text(contents.provenance.run_id));
  text += fmt::format("signature:\n  inputs: {}\n  outputs: {}\n", quoted_text(to_text(inputs)),
                      quoted_text(to_text(outputs)));
  return text;
}

// CycloneDX 1.5, the required fields only.
std::string sbom_text(const PackageContents& contents) {
  Json components = Json::array();
  for (const auto& [name, version] : contents.provenance.libraries) {
    components.push_back({{"type", "library"}, {"name", name}, {"version", version}});
  }
  const Json json = {
      {"bomFormat", "CycloneDX"},
      {"specVersion", "1.5"},
      {"version", 1},
      {"metadata", {{"component", {{"type", "machine-learning-model"}, {"name", contents.name}}}}},
      {"components", std::move(components)}};
  return to_pretty_text(json) + "\n";
}

Manifest manifest_of(const PackageContents& contents, const PackageFiles& files) {
  const features::FeatureProgram& program = *contents.program;
  Manifest manifest;
  manifest.name = contents.name;
  manifest.task = features::name_of(program.task());
  manifest.target = contents.target;
  manifest.flavour = contents.model->flavour;
  manifest.model_file = fmt::format("{}/{}", kModelDirectory, contents.model->file_name);
  manifest.link = contents.model->predictor->link();
  manifest.threshold = contents.threshold;
  manifest.inputs = program.inputs();
  manifest.units = contents.units;
  for (const features::LookupConfig& lookup : program.lookups())
    manifest.lookups.push_back(lookup.name);
  manifest.feature_program = program.digest();
  manifest.provenance = contents.provenance;
  for (const auto& [path, bytes] : files)
    manifest.files[path] = {.digest = digest_of(bytes), .size_bytes = bytes.size()};
  return manifest;
}

}  // namespace

Result<PackageFiles> build_package(const PackageContents& contents) {
  MARTLET_CHECK(contents.program != nullptr && contents.model != nullptr,
                "a package has a program and a model");
  if (contents.threshold && !std::isfinite(*contents.threshold))
    return invalid_argument("a package's threshold must be finite");
  MARTLET_TRY_SET(const Golden golden, make_golden(contents));
  PackageFiles files;
  files[std::string(kProgramFile)] = to_pretty_text(contents.program->to_json()) + "\n";
  files[fmt::format("{}/{}", kModelDirectory, contents.model->file_name)] = contents.model->bytes;
  files[std::string(kProfileFile)] = to_pretty_text(contents.profile) + "\n";
  files[std::string(kGoldenFile)] = golden_text(golden);
  std::size_t number = 0;
  for (const features::LookupConfig& lookup : contents.program->lookups()) {
    const auto rows = contents.lookup_rows.find(lookup.name);
    if (rows == contents.lookup_rows.end()) {
      return invalid_argument(fmt::format(
          "building a model package: the rows of the look-up {} are missing", lookup.name));
    }
    const auto days = golden.found_days.find(lookup.name);
    MARTLET_TRY_SET(
        const columns::Batch excerpt,
        lookup_excerpt(lookup, rows->second,
                       days == golden.found_days.end() ? std::set<std::int64_t>() : days->second));
    // Numbered in the program's order, since a look-up's name need not be a file's.
    files[fmt::format("{}/{}.jsonl", kLookupDirectory, number++)] = batch_to_lines(excerpt);
  }
  files[std::string(kCardFile)] = card_of(contents);
  files[std::string(kMlmodelFile)] = mlmodel_text(contents);
  files[std::string(kSbomFile)] = sbom_text(contents);
  files[std::string(kManifestFile)] = manifest_of(contents, files).to_bytes();
  return files;
}

Digest package_digest(const PackageFiles& files) {
  const auto manifest = files.find(std::string(kManifestFile));
  MARTLET_CHECK(manifest != files.end(), "a package has a manifest");
  return digest_of(manifest->second);
}

Result<void> write_package(FileSystem& files, const std::string& directory,
                           const PackageFiles& package) {
  const std::string manifest_path = join_path(directory, kManifestFile);
  if (files.exists(manifest_path)) {
    return fail(
        ErrorCode::AlreadyExists,
        fmt::format(
            "{} already holds a model package; packages never change, choose another folder",
            directory));
  }
  for (const auto& [path, bytes] : package) {
    const std::string full = join_path(directory, path);
    MARTLET_TRY(files.create_directories(parent_path(full)));
    if (path != kManifestFile) MARTLET_TRY(files.write_file_durably(full, bytes));
  }
  return files.write_file_durably(manifest_path, package.at(std::string(kManifestFile)));
}

}  // namespace martlet::models
