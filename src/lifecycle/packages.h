// lifecycle/packages.h: model packages in the store: built from what training left, opened and
// verified for use.
#pragma once
#include "base/result.h"
#include "lifecycle/workshop.h"
#include "models/package.h"
#include "monitoring/reference.h"
#include "problem/baseline.h"
#include "registry/model_registry.h"

#include <memory>
#include <string>

namespace martlet::lifecycle {

struct PackageParts {
  const problem::Problem& problem;
  const Frame& frame;
  std::span<const std::uint32_t>
      training;  // rows the model learnt from: what drift is measured against
  std::span<const std::uint32_t> golden;  // rows to take golden ones from
  const features::FeatureProgram& program;
  const models::TrainedModel& model;
  double threshold = 0.5;
  const features::Lookups& lookups;
  std::map<std::string, columns::Batch> lookup_rows;  // by look-up
  std::map<std::string, double> kpis;                 // at the gate
  Json baseline;                                      // the best rule, fitted: the fallback
  models::Provenance provenance;
};

struct StoredPackage {
  Digest tree;      // of the package in the blob store
  Digest manifest;  // the package's own digest
};

// Builds the package, checks its golden rows, and stores it.
Result<StoredPackage> store_package(const Store& store, const Project& project, PackageParts parts);

// By its tree. Verifies every digest and recomputes the golden predictions. InvalidArgument for
// none (of a version that has a source only).
Result<std::shared_ptr<const models::Package>> open_package(const Store& store, const Digest& tree);

// What the package says of itself beside the model: the rule to fall back on, and the reference
// profile.
Result<problem::Baseline> baseline_of(const models::Package& package, const columns::Schema& rows,
                                      const Zone& zone);
Result<monitoring::ReferenceProfile> reference_of(const models::Package& package);

registry::ModelRegistry registry_of(const Store& store);

}  // namespace martlet::lifecycle
