#include "lifecycle/packages.h"

#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "platform/host.h"
#include "platform/threads.h"
#include "table/engine.h"

namespace martlet::lifecycle {

namespace {

// The raw columns that the model reads: what a request names, and so what may drift.
columns::Batch inputs_of(const features::FeatureProgram& program, const columns::Batch& rows) {
  std::vector<std::string> names;
  for (const features::InputField& field : program.inputs()) names.push_back(field.name);
  auto selected = rows.select(names);
  return selected.has_value() ? std::move(*selected) : rows;
}

}  // namespace

Result<StoredPackage> store_package(const Store& store, const Project& project,
                                    PackageParts parts) {
  const columns::Batch training_rows = take(parts.frame, parts.training);
  MARTLET_TRY_SET(const std::vector<double> training_scores,
                  score(parts.program, *parts.model.predictor, training_rows, parts.lookups,
                        store.host().pool));
  const monitoring::ReferenceProfile profile = monitoring::profile_of(
      inputs_of(parts.program, training_rows), training_scores, std::move(parts.kpis));

  models::PackageContents contents;
  contents.name = project.name;
  contents.target = project.problem.target;
  contents.program = &parts.program;
  contents.model = &parts.model;
  if (parts.problem.task() == problem::Task::Binary) contents.threshold = parts.threshold;
  contents.profile = profile.to_json();
  contents.provenance = std::move(parts.provenance);
  contents.provenance.libraries["martlet"] = store.host().version;
  contents.provenance.libraries["duckdb"] = table::engine_version();
  contents.provenance.cpu_features = platform::describe_host().cpu_features;
  contents.provenance.more["baseline"] = std::move(parts.baseline);
  contents.provenance.more["question"] = project.problem.question;
  contents.provenance.more["decision"] = project.problem.decision;
  contents.golden_rows = take(parts.frame, parts.golden);
  contents.lookups = parts.lookups;
  contents.lookup_rows = std::move(parts.lookup_rows);
  MARTLET_TRY_SET(const models::PackageFiles files, models::build_package(contents));
  MARTLET_TRY_SET(const Digest tree, artifacts::put_tree(store.blobs(), files));
  return StoredPackage{tree, models::package_digest(files)};
}

Result<std::shared_ptr<const models::Package>> open_package(const Store& store,
                                                            const Digest& tree) {
  if (tree.is_zero()) {
    return invalid_argument(
        "this model version has no martlet package: an MLflow client registered "
        "it by its source, which only that client can load; name a version that "
        "`martlet run` or a retraining made");
  }
  MARTLET_TRY_SET(const artifacts::Tree files, artifacts::read_tree(store.blobs(), tree));
  MARTLET_TRY_SET(std::shared_ptr<const models::Package> package,
                  models::Package::open([&](const std::string& path) -> Result<std::string> {
                    const auto found = files.find(path);
                    if (found == files.end()) return not_found("the package has no file " + path);
                    return store.blobs().get(found->second.digest);
                  }));
  MARTLET_TRY_SET(const std::size_t verified, package->verify_golden());
  store.host().log.debug("package.verified",
                         {{"package", tree.short_text()}, {"golden_rows", verified}});
  return package;
}

Result<problem::Baseline> baseline_of(const models::Package& package, const columns::Schema& rows,
                                      const Zone& zone) {
  const Json& more = package.manifest().provenance.more;
  const auto found = more.find("baseline");
  if (found == more.end())
    return not_found("the package " + package.manifest().name + " names no baseline");
  return problem::Baseline::from_json(*found, rows, zone);
}

Result<monitoring::ReferenceProfile> reference_of(const models::Package& package) {
  return monitoring::ReferenceProfile::from_json(package.profile());
}

registry::ModelRegistry registry_of(const Store& store) {
  return {store.database(), store.blobs(), store.host().clock};
}

}  // namespace martlet::lifecycle
