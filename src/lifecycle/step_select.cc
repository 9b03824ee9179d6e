#include "lifecycle/steps.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace martlet::lifecycle {

Result<Json> select_step(Workshop& workshop, const workflow::StepContext& context) {
  MARTLET_TRY_SET(const Digest version, digest_input(context, "dataset"));
  MARTLET_TRY_SET(const std::shared_ptr<const problem::Problem> problem, workshop.problem(version));
  // Inputs are "<place>:<trainer>.<output>", so that candidates keep the file's order and the first
  // of equals wins.
  std::map<std::string, Json> candidates;
  for (const auto& [name, value] : context.inputs) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) continue;
    Json& candidate = candidates[name.substr(0, dot)];
    if (candidate.is_null()) candidate = Json::object();
    candidate[name.substr(dot + 1)] = value;
  }
  const Json* best = nullptr;
  double best_merit = -std::numeric_limits<double>::infinity();
  Json compared = Json::array();
  for (const auto& [place, candidate] : candidates) {
    const Json& kpi = candidate.at("validation_kpi");
    compared.push_back(Json{{"candidate", candidate.at("candidate")}, {"validation_kpi", kpi}});
    const double merit = kpi.is_number() ? problem->primary().merit(kpi.get<double>())
                                         : -std::numeric_limits<double>::infinity();
    if (best == nullptr || merit > best_merit) {
      best = &candidate;
      best_merit = merit;
    }
  }
  if (best == nullptr) return internal_error("selecting a model: there are no candidates");
  context.log(fmt::format("{} is the best of {} on the validation rows",
                          best->at("candidate").get<std::string>(), candidates.size()));
  return Json{{"chosen", *best}, {"compared", std::move(compared)}};
}

}  // namespace martlet::lifecycle
