// models/package.h: the model package (DESIGN §8): everything that a deployment needs, in one
// directory that never changes.
//
// build_package() makes the files; Package reads them back as untrusted input: each digest, each
// index, each width is checked before anything is used. A Package is immutable and thread-safe. No
// code is in it, and none is run from it. Signatures, approvals and gates are attestations beside
// it (registry). Called by lifecycle (build, deploy), deployment and evaluation (open).
#pragma once
#include "base/digest.h"
#include "base/json.h"
#include "base/result.h"
#include "columns/batch.h"
#include "features/program.h"
#include "models/package_manifest.h"
#include "models/predictor.h"
#include "models/raw_predictor.h"
#include "models/trainer.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace martlet {
class FileSystem;
}

namespace martlet::models {

inline constexpr std::size_t kGoldenRows = 1000;

struct PackageContents {
  std::string name;
  std::string target;
  const features::FeatureProgram* program = nullptr;
  const TrainedModel* model = nullptr;
  std::optional<double> threshold;
  std::map<std::string, std::string> units;  // of raw columns
  Json profile = Json::object();  // the reference that drift is measured against; opaque here
  std::string card;               // Markdown; "": a short one is written
  Provenance provenance;
  // Raw rows to take golden ones from, evenly; at most kGoldenRows are kept. Columns that the
  // program doesn't read are left out.
  columns::Batch golden_rows;
  // For golden rows: the tables, and the datasets they were built of. Those rows of a dataset that
  // golden rows may find travel along.
  features::Lookups lookups;
  std::map<std::string, columns::Batch> lookup_rows;
};

using PackageFiles = std::map<std::string, std::string>;  // path → bytes

// Scores the golden rows by both paths and refuses to build when they differ in a bit (Internal).
// InvalidArgument when model and program don't fit, or a look-up is missing. The same contents give
// the same bytes.
Result<PackageFiles> build_package(const PackageContents& contents);
// SHA-256 of the manifest, which holds the digests of all other files.
Digest package_digest(const PackageFiles& files);
// Each file durably, the manifest last, so that a directory with a manifest is whole. AlreadyExists
// when it has one.
Result<void> write_package(FileSystem& files, const std::string& directory,
                           const PackageFiles& package);

class Package {
 public:
  // NotFound when there's no such file.
  using Reader = std::function<Result<std::string>(const std::string& path)>;

  // Reads the manifest and every file it lists, and nothing else. Corrupt for a digest or size that
  // differs, a file that is missing or isn't what it should be, and parts that don't fit together.
  static Result<std::shared_ptr<const Package>> open(const Reader& read);
  static Result<std::shared_ptr<const Package>> open_directory(FileSystem& files,
                                                               const std::string& directory);

  const Manifest& manifest() const { return manifest_; }
  const Digest& digest() const { return digest_; }
  const features::FeatureProgram& feature_program() const { return program_; }
  const std::shared_ptr<const Predictor>& predictor() const { return predictor_; }
  const Json& profile() const { return profile_; }
  const std::string& card() const { return card_; }
  const columns::Batch& golden_rows() const { return golden_rows_; }

  // Recomputes every golden prediction by the batch path and the row path and compares bit for bit;
  // gives the number of rows. Corrupt at the first that differs: the package, the machine's
  // arithmetic or this build isn't what it was.
  Result<std::size_t> verify_golden() const;
  // For serving: `lookups` with the current tables.
  Result<std::shared_ptr<const RawPredictor>> raw_predictor(features::Lookups lookups) const;

 private:
  Package(Manifest manifest, Digest digest, features::FeatureProgram program,
          std::shared_ptr<const Predictor> predictor)
      : manifest_(std::move(manifest)), digest_(digest), program_(std::move(program)),
        predictor_(std::move(predictor)) {}
  Result<void> read_reference(const PackageFiles& files);

  Manifest manifest_;
  Digest digest_;
  features::FeatureProgram program_;
  std::shared_ptr<const Predictor> predictor_;
  Json profile_;
  std::string card_;
  columns::Batch golden_rows_;
  std::vector<double> golden_scores_;
  features::Lookups golden_lookups_;
};

}  // namespace martlet::models
