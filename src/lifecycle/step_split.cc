#include "artifacts/blob_store.h"
#include "base/time.h"
#include "evaluation/split.h"
#include "lifecycle/steps.h"

#include <fmt/format.h>

namespace martlet::lifecycle {

Result<Json> split_step(Workshop& workshop, const workflow::StepContext& context) {
  MARTLET_TRY_SET(const Digest version, digest_input(context, "dataset"));
  MARTLET_TRY_SET(const std::shared_ptr<const Frame> frame, workshop.frame(version));
  MARTLET_TRY_SET(const std::shared_ptr<const problem::Problem> problem, workshop.problem(version));
  const Project& project = workshop.project();

  std::optional<Timestamp> as_of;
  if (const auto text = context.parameters.find("as_of");
      text != context.parameters.end() && text->is_string()) {
    MARTLET_TRY_SET(as_of, parse_timestamp_utc(text->get<std::string>()));
  }
  const std::vector<std::uint32_t> usable = known_by(*frame, as_of, project.monitoring.truth_delay);
  if (usable.empty()) {
    return invalid_argument("splitting the rows: none has a known target" +
                            (as_of.has_value() ? " by " + to_text(*as_of) : std::string()) +
                            "; look at the target column, or choose another --as-of");
  }
  const columns::Batch rows = take(*frame, usable);
  const std::vector<double> actual = actual_of(*frame, usable);
  evaluation::SplitConfig config = project.split;
  config.seed = config.own_seed.value_or(project.models.seed);
  const evaluation::SplitKind kind =
      evaluation::split_kind(config, project.problem, problem->task());
  MARTLET_TRY_SET(const evaluation::Split split,
                  evaluation::make_split(config, kind, rows,
                                         {project.problem.time, project.problem.key}, actual));
  SplitRows parts;
  for (std::size_t i = 0; i < usable.size(); ++i) {
    auto& part = split.parts[i] == evaluation::Part::Train        ? parts.training
                 : split.parts[i] == evaluation::Part::Validation ? parts.validation
                                                                  : parts.test;
    part.push_back(usable[i]);
  }
  Json blob{{"training", parts.training}, {"validation", parts.validation}, {"test", parts.test}};
  MARTLET_TRY_SET(const Digest digest, put_json(workshop, blob));
  context.log(fmt::format("{} rows train, {} validate, {} test ({}); {} have no target",
                          parts.training.size(), parts.validation.size(), parts.test.size(),
                          evaluation::name_of(kind), frame->without_target()));
  return Json{{"rows", digest.text()},
              {"by", std::string(evaluation::name_of(kind))},
              {"training", parts.training.size()},
              {"validation", parts.validation.size()},
              {"test", parts.test.size()},
              {"without_target", frame->without_target()},
              {"task", std::string(problem::name_of(problem->task()))}};
}

}  // namespace martlet::lifecycle
