#include "lifecycle/packages.h"
#include "lifecycle/steps.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::lifecycle {

Result<Json> package_step(Workshop& workshop, const workflow::StepContext& context) {
  MARTLET_TRY_SET(const Digest version, digest_input(context, "dataset"));
  MARTLET_TRY_SET(const Digest split, digest_input(context, "split"));
  MARTLET_TRY_SET(const std::shared_ptr<const Frame> frame, workshop.frame(version));
  MARTLET_TRY_SET(const std::shared_ptr<const problem::Problem> problem, workshop.problem(version));
  MARTLET_TRY_SET(const SplitRows parts, read_split_blob(workshop, split));
  MARTLET_TRY_SET(const auto versions, lookup_versions(context));
  MARTLET_TRY_SET(const features::Lookups lookups, workshop.lookups(versions));
  MARTLET_TRY_SET(const StoredCandidate candidate,
                  read_candidate(workshop, context.inputs.at("candidate")));

  std::map<std::string, double> kpis;
  for (const Json& kpi : context.inputs.at("kpis")) {
    const Json& value = kpi.at("value");
    if (value.is_number()) kpis[kpi.at("name").get<std::string>()] = value.get<double>();
  }
  MARTLET_TRY_SET(auto lookup_rows, workshop.lookup_rows(versions));
  models::Provenance provenance;
  provenance.dataset = workshop.project().main_dataset().name;
  provenance.dataset_digest = version.text();
  provenance.code_version = workshop.store().host().code_version;
  provenance.more["kpis"] = context.inputs.at("kpis");
  provenance.more["candidate"] = candidate.name;
  provenance.more["parameters"] = context.inputs.at("candidate").at("parameters");
  MARTLET_TRY_SET(
      const StoredPackage package,
      store_package(workshop.store(), workshop.project(),
                    {*problem, *frame, parts.training, parts.test, candidate.program,
                     candidate.model, candidate.threshold, lookups, std::move(lookup_rows),
                     std::move(kpis), context.inputs.at("baseline"), std::move(provenance)}));
  context.log(fmt::format("package {}: {} golden rows agree bit for bit on both paths",
                          package.manifest.short_text(),
                          std::min(parts.test.size(), models::kGoldenRows)));
  return Json{{"package", package.tree.text()}, {"manifest", package.manifest.text()}};
}

}  // namespace martlet::lifecycle
