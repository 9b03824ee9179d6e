// models/package_manifest.h: martlet.json, the manifest of a model package (DESIGN §8): what the
// model is, where it came from, and the digest of every file. A value. The package's own digest is
// the SHA-256 of this file's bytes.
#pragma once
#include "base/digest.h"
#include "base/json.h"
#include "base/result.h"
#include "features/program.h"
#include "models/predictor.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::models {

inline constexpr std::string_view kManifestFile = "martlet.json";
inline constexpr std::string_view kProgramFile = "feature_program.json";
inline constexpr std::string_view kModelDirectory = "model";
inline constexpr std::string_view kProfileFile = "reference/profile.json";
inline constexpr std::string_view kGoldenFile = "reference/golden.jsonl";
inline constexpr std::string_view kLookupDirectory = "lookups";
inline constexpr std::string_view kCardFile = "card.md";
inline constexpr std::string_view kMlmodelFile = "MLmodel";
inline constexpr std::string_view kSbomFile = "sbom.json";

// Where a model came from. All of it is the caller's to know; empty texts are left out of the
// manifest.
struct Provenance {
  std::string dataset;         // its name
  std::string dataset_digest;  // of the version that was trained on
  std::string run_id;
  std::string code_version;  // of the project: a commit
  std::string created_by;
  std::string created_at;  // ISO; leave it out for packages that must be equal byte for byte
  std::map<std::string, std::string> libraries;  // name → version, as the training used them
  std::vector<std::string> cpu_features;         // bit-identity is claimed per these (DESIGN §12.2)
  // {"tested_model": digest, …} of a refitted model (DESIGN §9), evaluation figures, whatever else
  // is to travel along; an object.
  Json more = Json::object();
};

struct PackageFile {
  Digest digest;
  std::uint64_t size_bytes = 0;
};

struct Manifest {
  std::string name;                          // of the model
  std::string task;                          // "binary", "regression"
  std::string target;                        // column
  std::string flavour;                       // of load_predictor()
  std::string model_file;                    // "model/model.txt"
  Link link;                                 // as the model file implies it
  std::optional<double> threshold;           // predicted = score >= threshold; binary only
  std::vector<features::InputField> inputs;  // schema of the raw row
  std::map<std::string, std::string> units;  // of inputs, where known
  std::vector<std::string> lookups;          // names of the look-ups that the feature program needs
  Digest feature_program;                    // FeatureProgram::digest()
  Provenance provenance;
  std::map<std::string, PackageFile> files;  // all but the manifest

  std::string to_bytes() const;  // JSON, the same for the same manifest
  // Corrupt when it is no manifest, or names a file by a path that leads outside, an absolute one
  // or one of odd characters.
  static Result<Manifest> parse(std::string_view bytes);
};

}  // namespace martlet::models
