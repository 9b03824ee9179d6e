#include "lifecycle/steps.h"
#include "problem/baseline.h"

#include <fmt/format.h>

namespace martlet::lifecycle {

Result<Json> baselines_step(Workshop& workshop, const workflow::StepContext& context) {
  MARTLET_TRY_SET(const Digest version, digest_input(context, "dataset"));
  MARTLET_TRY_SET(const Digest split, digest_input(context, "split"));
  MARTLET_TRY_SET(const std::shared_ptr<const Frame> frame, workshop.frame(version));
  MARTLET_TRY_SET(const std::shared_ptr<const problem::Problem> problem, workshop.problem(version));
  MARTLET_TRY_SET(const SplitRows rows, read_split_blob(workshop, split));
  MARTLET_TRY_SET(const problem::FittedBaselines fitted,
                  problem::fit_baselines(problem->baselines(), problem->task(), problem->zone(),
                                         problem->primary(), take(*frame, rows.training),
                                         actual_of(*frame, rows.training)));
  Json list = Json::array();
  for (std::size_t i = 0; i < fitted.all.size(); ++i) {
    list.push_back(Json{{"name", fitted.all[i].name()},
                        {"description", fitted.all[i].description()},
                        {"training_kpi", number_or_null(fitted.training_kpis[i])},
                        {"fitted", fitted.all[i].to_json()}});
    context.log(fmt::format("{}: {} {:.6g} on the training rows", fitted.all[i].name(),
                            problem->primary().name(), fitted.training_kpis[i]));
  }
  return Json{{"baselines", std::move(list)},
              {"best", fitted.all[fitted.best].name()},
              {"best_fitted", fitted.all[fitted.best].to_json()}};
}

}  // namespace martlet::lifecycle
