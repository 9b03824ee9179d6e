#include "artifacts/blob_store.h"
#include "lifecycle/steps.h"
#include "models/importance.h"

namespace martlet::lifecycle {

Result<Json> train_step(Workshop& workshop, const workflow::StepContext& context) {
  MARTLET_TRY_SET(const Digest version, digest_input(context, "dataset"));
  MARTLET_TRY_SET(const Digest split, digest_input(context, "split"));
  MARTLET_TRY_SET(const std::shared_ptr<const Frame> frame, workshop.frame(version));
  MARTLET_TRY_SET(const std::shared_ptr<const problem::Problem> problem, workshop.problem(version));
  MARTLET_TRY_SET(const SplitRows rows, read_split_blob(workshop, split));
  MARTLET_TRY_SET(const auto versions, lookup_versions(context));
  MARTLET_TRY_SET(const features::Lookups lookups, workshop.lookups(versions));
  MARTLET_TRY_SET(const FitHost host, workshop.fit_host(context.cancel, context.log));

  const Project& project = workshop.project();
  MARTLET_TRY_SET(const std::string trainer,
                  text_member(context.parameters, "trainer", "a train step"));
  MARTLET_TRY_SET(const Json* parameters, member(context.parameters, "parameters", "a train step"));
  const Recipe recipe{*problem, project.features, travelling_steps(project.main_dataset()),
                      trainer,  *parameters,      project.models.seed};
  MARTLET_TRY_SET(const FittedCandidate candidate,
                  fit_candidate(recipe, *frame, rows.training, rows.validation, lookups, host));

  MARTLET_TRY_SET(const Digest program, put_json(workshop, candidate.program.to_json()));
  MARTLET_TRY_SET(const Digest model, workshop.store().blobs().put(candidate.model.bytes));
  MARTLET_TRY_SET(const auto importances,
                  models::importance_of(candidate.model.flavour, candidate.model.bytes));
  Json importance = Json::array();
  for (const models::FeatureImportance& item : importances) {
    importance.push_back(Json{{"feature", item.feature},
                              {"weight", number_or_null(item.weight)},
                              {"splits", item.splits}});
  }
  Json left_out = Json::array();
  for (const features::LeftOut& item : candidate.left_out) {
    left_out.push_back(Json{{"column", item.column}, {"why", item.why}});
    context.log(item.column + " is no feature: " + item.why);
  }
  return Json{{"candidate", trainer},
              {"parameters", *parameters},
              {"program", program.text()},
              {"model", model.text()},
              {"flavour", candidate.model.flavour},
              {"file_name", candidate.model.file_name},
              {"threshold", candidate.threshold},
              {"validation_kpi", number_or_null(candidate.validation_kpi)},
              {"info", candidate.model.info},
              {"importance", std::move(importance)},
              {"left_out", std::move(left_out)}};
}

}  // namespace martlet::lifecycle
