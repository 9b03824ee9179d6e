#include "models/package.h"

#include "base/file_system.h"
#include "models/internal/row_lines.h"

#include <bit>
#include <cmath>

namespace martlet::models {
namespace {

Result<PackageFiles> read_files(const Package::Reader& read, const Manifest& manifest) {
  PackageFiles files;
  for (const auto& [path, expected] : manifest.files) {
    auto bytes = read(path);
    if (!bytes.has_value()) {
      const bool absent = bytes.error().code() == ErrorCode::NotFound;
      if (absent) return corrupt(fmt::format("model package: the file {} is missing", path));
      return fail(
          std::move(bytes).error().with_context(fmt::format("model package: reading {}", path)));
    }
    if (bytes->size() != expected.size_bytes || digest_of(*bytes) != expected.digest) {
      return corrupt(fmt::format(
          "model package: the file {} is not the one that was packed (its digest differs)", path));
    }
    files[path] = std::move(*bytes);
  }
  return files;
}

Result<const std::string*> file_of(const PackageFiles& files, std::string_view path) {
  const auto found = files.find(std::string(path));
  if (found == files.end())
    return corrupt(fmt::format("model package: the manifest doesn't list {}", path));
  return &found->second;
}

Result<features::FeatureProgram> read_program(const PackageFiles& files, const Manifest& manifest) {
  MARTLET_TRY_SET(const std::string* text, file_of(files, kProgramFile));
  MARTLET_TRY_SET(const Json json, parse_json(*text, {.size_bytes = 256u << 20}));
  MARTLET_TRY_SET(features::FeatureProgram program, features::FeatureProgram::from_json(json));
  if (program.digest() != manifest.feature_program)
    return corrupt("model package: the feature program isn't the one the manifest names");
  if (program.inputs() != manifest.inputs)
    return corrupt("model package: manifest and feature program disagree on the raw row");
  return program;
}

// The tables that the golden rows found, built of the excerpts in the package.
Result<features::Lookups> read_lookups(const PackageFiles& files,
                                       const features::FeatureProgram& program) {
  features::Lookups lookups;
  std::size_t number = 0;
  for (const features::LookupConfig& config : program.lookups()) {
    MARTLET_TRY_SET(const std::string* text,
                    file_of(files, fmt::format("{}/{}.jsonl", kLookupDirectory, number++)));
    MARTLET_TRY_SET(const columns::Batch rows, batch_from_lines(*text));
    MARTLET_TRY_SET(lookups[config.name],
                    features::LookupTable::build(config, rows, "golden", program.zone()));
  }
  return lookups;
}

Error difference(std::size_t row, double now, double then, std::string_view path) {
  return {ErrorCode::Corrupt,
          fmt::format("model package: golden row {} now scores {} ({} path) instead of {}; the "
                      "package was made by another version or on a "
                      "machine whose arithmetic differs, or it is damaged",
                      row, shortest(now), path, shortest(then))};
}

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

}  // namespace

Result<std::shared_ptr<const Package>> Package::open(const Reader& read) {
  MARTLET_TRY_SET(const std::string bytes, read(std::string(kManifestFile)));
  MARTLET_TRY_SET(Manifest manifest, Manifest::parse(bytes));
  MARTLET_TRY_SET(const PackageFiles files, read_files(read, manifest));
  MARTLET_TRY_SET(features::FeatureProgram program, read_program(files, manifest));
  MARTLET_TRY_SET(const std::string* model, file_of(files, manifest.model_file));
  MARTLET_TRY_SET(std::shared_ptr<const Predictor> predictor,
                  load_predictor(manifest.flavour, *model));
  if (predictor->width() != program.columns().size()) {
    return corrupt("model package: the model doesn't take what the feature program gives");
  }
  if (predictor->link() != manifest.link)
    return corrupt("model package: manifest and model disagree on the link function");
  std::shared_ptr<Package> package(
      new Package(std::move(manifest), digest_of(bytes), std::move(program), std::move(predictor)));
  MARTLET_TRY(package->read_reference(files));
  return std::shared_ptr<const Package>(std::move(package));
}

Result<std::shared_ptr<const Package>> Package::open_directory(FileSystem& files,
                                                               const std::string& directory) {
  // Paths within a package are relative and can't climb (Manifest::parse).
  auto package =
      open([&](const std::string& path) { return files.read_file(join_path(directory, path)); });
  if (!package.has_value())
    return fail(
        std::move(package).error().with_context("opening the model package in " + directory));
  return package;
}

Result<void> Package::read_reference(const PackageFiles& files) {
  MARTLET_TRY_SET(const std::string* profile, file_of(files, kProfileFile));
  MARTLET_TRY_SET(profile_, parse_json(*profile, {.size_bytes = 256u << 20}));
  MARTLET_TRY_SET(const std::string* card, file_of(files, kCardFile));
  card_ = *card;
  MARTLET_TRY_SET(golden_lookups_, read_lookups(files, program_));
  MARTLET_TRY_SET(const std::string* golden, file_of(files, kGoldenFile));
  MARTLET_TRY_SET(const columns::Batch rows, batch_from_lines(*golden));
  if (rows.width() != program_.inputs().size() + 1 ||
      rows.column(rows.width() - 1).type() != columns::Type::Double) {
    return corrupt("model package: the golden rows don't fit the feature program");
  }
  const std::span<const double> scores = rows.column(rows.width() - 1).doubles();
  golden_scores_.assign(scores.begin(), scores.end());
  golden_rows_ = rows.without(std::vector<std::string>{rows.schema()[rows.width() - 1].name});
  if (golden_rows_.schema() != program_.input_schema())
    return corrupt("model package: the golden rows don't fit the feature program");
  return {};
}

Result<std::size_t> Package::verify_golden() const {
  MARTLET_TRY_SET(const auto predictor, raw_predictor(golden_lookups_));
  MARTLET_TRY_SET(const std::vector<double> scores, predictor->scores(golden_rows_));
  MARTLET_TRY_SET(const auto scorer, predictor->row_scorer());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!same_bits(scores[i], golden_scores_[i]))
      return fail(difference(i, scores[i], golden_scores_[i], "batch"));
    const columns::Row row = golden_rows_.row(i);
    MARTLET_TRY_SET(const double score, scorer->score(row.cells()));
    if (!same_bits(score, golden_scores_[i]))
      return fail(difference(i, score, golden_scores_[i], "row"));
  }
  return scores.size();
}

Result<std::shared_ptr<const RawPredictor>>
Package::raw_predictor(features::Lookups lookups) const {
  return make_raw_predictor(program_, predictor_, std::move(lookups), manifest_.threshold);
}

}  // namespace martlet::models
