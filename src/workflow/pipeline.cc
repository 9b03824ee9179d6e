#include "workflow/pipeline.h"

#include "base/text.h"

#include <algorithm>
#include <set>

namespace martlet::workflow {

namespace {

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':';
  });
}

std::vector<std::string> names_of(const Pipeline& pipeline) {
  std::vector<std::string> names;
  for (const Step& step : pipeline.steps) names.push_back(step.name);
  return names;
}

std::vector<std::string> needed_by(const Step& step) {
  std::vector<std::string> names = step.needs;
  for (const auto& [name, reference] : step.inputs) names.push_back(reference.step);
  return names;
}

// The steps that lie on or behind a cycle: what is left when finished steps are taken away again
// and again.
std::vector<std::string> unreachable(const Pipeline& pipeline) {
  std::set<std::string> done;
  for (bool progress = true; progress;) {
    progress = false;
    for (const Step& step : pipeline.steps) {
      if (done.contains(step.name)) continue;
      const auto needed = needed_by(step);
      if (std::all_of(needed.begin(), needed.end(),
                      [&](const std::string& name) { return done.contains(name); })) {
        done.insert(step.name);
        progress = true;
      }
    }
  }
  std::vector<std::string> left;
  for (const Step& step : pipeline.steps) {
    if (!done.contains(step.name)) left.push_back(step.name);
  }
  return left;
}

}  // namespace

std::vector<Finding> check(const Pipeline& pipeline) {
  std::vector<Finding> findings;
  const std::vector<std::string> names = names_of(pipeline);
  std::set<std::string> seen;
  bool references_hold = true;
  for (const Step& step : pipeline.steps) {
    const std::string path = "pipelines." + pipeline.name + ".steps." + step.name;
    if (!is_name(step.name)) {
      findings.push_back({path, "name",
                          "a step's name is made of letters, digits, '-', '_', '.' and ':'", "", 0,
                          0});
    }
    if (!seen.insert(step.name).second)
      findings.push_back({path, "duplicate", "two steps have this name; rename one", "", 0, 0});
    if (step.max_attempts < 1 || step.max_attempts > 10) {
      findings.push_back({path + ".retries", "range",
                          "a step is tried 1 to 10 times, not " + std::to_string(step.max_attempts),
                          "", 0, 0});
    }
    for (const std::string& needed : needed_by(step)) {
      if (std::find(names.begin(), names.end(), needed) != names.end()) continue;
      references_hold = false;
      findings.push_back(
          {path, "unknown_step",
           "it needs \"" + needed + "\", which is no step" + did_you_mean(needed, names), "", 0,
           0});
    }
  }
  if (references_hold) {
    const std::vector<std::string> cycle = unreachable(pipeline);
    if (!cycle.empty()) {
      findings.push_back({"pipelines." + pipeline.name, "cycle",
                          "these steps wait for each other: " + join(cycle, ", "), "", 0, 0});
    }
  }
  return findings;
}

std::vector<std::vector<std::size_t>> dependencies_of(const Pipeline& pipeline) {
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < pipeline.steps.size(); ++i) index[pipeline.steps[i].name] = i;
  std::vector<std::vector<std::size_t>> dependencies(pipeline.steps.size());
  for (std::size_t i = 0; i < pipeline.steps.size(); ++i) {
    std::set<std::size_t> needed;
    for (const std::string& name : needed_by(pipeline.steps[i])) {
      MARTLET_CHECK(index.contains(name), "the pipeline was not checked");
      needed.insert(index.at(name));
    }
    dependencies[i].assign(needed.begin(), needed.end());
  }
  return dependencies;
}

Result<Pipeline> only_what_is_needed_for(const Pipeline& pipeline,
                                         const std::vector<std::string>& wanted) {
  const std::vector<std::string> names = names_of(pipeline);
  std::vector<std::string> open = wanted;
  std::set<std::string> kept;
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      return not_found("pipeline " + pipeline.name + " has no step \"" + name + "\"" +
                       did_you_mean(name, names));
    }
    if (!kept.insert(name).second) continue;
    const auto needed = needed_by(pipeline.steps[static_cast<std::size_t>(found - names.begin())]);
    open.insert(open.end(), needed.begin(), needed.end());
  }
  Pipeline part{pipeline.name, {}};
  for (const Step& step : pipeline.steps) {
    if (kept.contains(step.name)) part.steps.push_back(step);
  }
  return part;
}

Json to_json(const Pipeline& pipeline) {
  Json steps = Json::array();
  for (const Step& step : pipeline.steps) {
    Json inputs = Json::object();
    for (const auto& [name, reference] : step.inputs)
      inputs[name] = Json{{"step", reference.step}, {"output", reference.output}};
    steps.push_back(Json{{"name", step.name},
                         {"uses", step.component},
                         {"with", step.parameters},
                         {"inputs", std::move(inputs)},
                         {"needs", step.needs},
                         {"cache", step.cache == CachePolicy::Use},
                         {"max_attempts", step.max_attempts}});
  }
  return Json{{"name", pipeline.name}, {"steps", std::move(steps)}};
}

Result<Pipeline> pipeline_from_json(const Json& json) {
  constexpr std::string_view kSubject = "reading a pipeline";
  Pipeline pipeline;
  MARTLET_TRY_SET(pipeline.name, text_member(json, "name", kSubject));
  MARTLET_TRY_SET(const Json* steps, member(json, "steps", kSubject));
  for (const Json& item : *steps) {
    Step step;
    MARTLET_TRY_SET(step.name, text_member(item, "name", kSubject));
    MARTLET_TRY_SET(step.component, text_member(item, "uses", kSubject));
    MARTLET_TRY_SET(const Json* parameters, member(item, "with", kSubject));
    step.parameters = *parameters;
    MARTLET_TRY_SET(const Json* inputs, member(item, "inputs", kSubject));
    for (const auto& [name, reference] : inputs->items()) {
      OutputReference output;
      MARTLET_TRY_SET(output.step, text_member(reference, "step", kSubject));
      MARTLET_TRY_SET(output.output, text_member(reference, "output", kSubject));
      step.inputs[name] = std::move(output);
    }
    MARTLET_TRY_SET(const Json* needs, member(item, "needs", kSubject));
    for (const Json& name : *needs) {
      if (!name.is_string())
        return invalid_argument("reading a pipeline: \"needs\" must be a list of texts");
      step.needs.push_back(name.get<std::string>());
    }
    MARTLET_TRY_SET(const bool cached, boolean_member(item, "cache", kSubject));
    step.cache = cached ? CachePolicy::Use : CachePolicy::Never;
    MARTLET_TRY_SET(const std::int64_t attempts, integer_member(item, "max_attempts", kSubject));
    step.max_attempts = static_cast<int>(attempts);
    pipeline.steps.push_back(std::move(step));
  }
  return pipeline;
}

}  // namespace martlet::workflow
