#include "lifecycle/compile.h"

#include "data/source.h"
#include "lifecycle/packages.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::lifecycle {

namespace {

using workflow::OutputReference;
using workflow::Step;

// A plain step: its name is its component's.
Step step_named(const std::string& name, Json parameters) {
  Step step;
  step.name = name;
  step.component = "martlet/" + name.substr(0, name.find(':'));
  step.parameters = std::move(parameters);
  return step;
}

std::vector<std::string> lookup_datasets(const Project& project) {
  std::vector<std::string> names;
  for (const features::LookupConfig& lookup : project.features.lookups) {
    if (std::find(names.begin(), names.end(), lookup.dataset) == names.end())
      names.push_back(lookup.dataset);
  }
  return names;
}

// A key of a dataset as the file has it; null when absent.
Json written(const Project& project, const std::string& dataset, const char* key) {
  const Json data = project.section("data");
  if (!data.is_object() || !data.contains("datasets") || !data["datasets"].contains(dataset))
    return nullptr;
  const Json& section = data["datasets"][dataset];
  return section.is_object() && section.contains(key) ? section[key] : Json(nullptr);
}

// What ingesting a dataset depends on: itself and all that it reads.
Json dataset_parameters(const Project& project, const std::string& name) {
  Json definitions = Json::array();
  const auto order = project.data.build_order(name);
  if (order.has_value()) {
    for (const data::DatasetConfig* dataset : *order) {
      Json clean = Json::array();
      for (const data::CleaningStep& step : dataset->clean) clean.push_back(data::to_json(step));
      definitions.push_back(Json{{"name", dataset->name},
                                 {"source", dataset->source},
                                 {"sql", dataset->sql},
                                 {"clean", std::move(clean)},
                                 {"expect", written(project, dataset->name, "expect")}});
    }
  }
  Json sources = Json(nullptr);
  if (const Json data = project.section("data"); data.is_object() && data.contains("sources"))
    sources = data["sources"];
  return Json{{"dataset", name},
              {"definitions", std::move(definitions)},
              {"sources", std::move(sources)},
              {"zone", project.problem.zone.name()},
              {"key", project.problem.key}};
}

bool judges_the_moment(const Project& project, const std::string& name) {
  const auto order = project.data.build_order(name);
  if (!order.has_value()) return false;
  return std::any_of(order->begin(), order->end(), [](const data::DatasetConfig* dataset) {
    return std::any_of(dataset->expect.begin(), dataset->expect.end(),
                       [](const data::Expectation& item) {
                         return item.kind == data::ExpectationKind::Fresh ||
                                item.kind == data::ExpectationKind::Drift;
                       });
  });
}

}  // namespace

workflow::Pipeline sketch_lifecycle(const Project& project, const CompileOptions& options) {
  workflow::Pipeline pipeline{"lifecycle", {}};
  const std::string main = project.main_dataset().name;
  const std::string ingest_main = "ingest:" + main;
  const OutputReference dataset{ingest_main, "version"};
  const Json problem = project.section("problem");
  const Json seed = project.models.seed;

  const auto add_ingest = [&](const std::string& name) {
    Step step = step_named("ingest:" + name, dataset_parameters(project, name));
    // Whether data is fresh, or has moved away from the version before, depends on when one looks.
    if (judges_the_moment(project, name)) step.cache = workflow::CachePolicy::Never;
    pipeline.steps.push_back(std::move(step));
  };
  add_ingest(main);
  const std::vector<std::string> lookups = lookup_datasets(project);
  for (const std::string& name : lookups) {
    if (name != main) add_ingest(name);
  }
  const auto with_lookups = [&](Step& step) {
    for (const std::string& name : lookups)
      step.inputs["lookup:" + name] = {"ingest:" + name, "version"};
  };

  Step leakage =
      step_named("leakage", Json{{"problem", problem}, {"features", project.section("features")}});
  leakage.inputs = {{"dataset", dataset}};
  pipeline.steps.push_back(std::move(leakage));

  Step split = step_named(
      "split",
      Json{{"problem", problem},
           {"split", project.section("split")},
           {"seed", seed},
           {"truth_delay", to_text(project.monitoring.truth_delay)},
           {"as_of", options.as_of.has_value() ? Json(to_text(*options.as_of)) : Json(nullptr)}});
  split.inputs = {{"dataset", dataset}};
  pipeline.steps.push_back(std::move(split));
  const OutputReference rows{"split", "rows"};

  Step baselines = step_named("baselines", Json{{"problem", problem}});
  baselines.inputs = {{"dataset", dataset}, {"split", rows}};
  pipeline.steps.push_back(std::move(baselines));

  Step select = step_named("select", Json{{"problem", problem}});
  select.inputs = {{"dataset", dataset}};
  Json cleaning = Json::array();
  for (const data::CleaningStep& step : project.main_dataset().clean)
    cleaning.push_back(data::to_json(step));
  for (std::size_t i = 0; i < project.models.candidates.size(); ++i) {
    const models::Candidate& candidate = project.models.candidates[i];
    const auto same = std::count_if(
        project.models.candidates.begin(),
        project.models.candidates.begin() + static_cast<std::ptrdiff_t>(i),
        [&](const models::Candidate& other) { return other.trainer == candidate.trainer; });
    const std::string name =
        "train:" + candidate.trainer + (same > 0 ? fmt::format("-{}", same + 1) : "");
    Step train = step_named(name, Json{{"trainer", candidate.trainer},
                                       {"parameters", candidate.parameters},
                                       {"features", project.section("features")},
                                       {"cleaning", cleaning},
                                       {"problem", problem},
                                       {"seed", seed}});
    train.component = "martlet/train";
    train.inputs = {{"dataset", dataset}, {"split", rows}};
    with_lookups(train);
    pipeline.steps.push_back(std::move(train));
    const std::string place = fmt::format("{:03}:{}", i, candidate.trainer);
    for (const char* output : {"candidate", "parameters", "program", "model", "flavour",
                               "file_name", "threshold", "validation_kpi", "info", "importance"}) {
      select.inputs[place + "." + output] = {name, output};
    }
  }
  pipeline.steps.push_back(std::move(select));

  const OutputReference best_rule{"baselines", "best_fitted"};
  const OutputReference chosen{"select", "chosen"};
  Step evaluate = step_named(
      "evaluate",
      Json{{"problem", problem}, {"evaluation", project.section("evaluation")}, {"seed", seed}});
  evaluate.inputs = {
      {"dataset", dataset}, {"split", rows}, {"candidate", chosen}, {"baseline", best_rule}};
  with_lookups(evaluate);
  pipeline.steps.push_back(std::move(evaluate));

  Step package = step_named("package", Json{{"project", project.name}, {"problem", problem}});
  package.inputs = {{"dataset", dataset},
                    {"split", rows},
                    {"candidate", chosen},
                    {"baseline", best_rule},
                    {"kpis", {"evaluate", "kpis"}}};
  with_lookups(package);
  pipeline.steps.push_back(std::move(package));

  Step registration = step_named(
      "register", Json{{"project", project.name},
                       {"environment", std::string(registry::name_of(options.environment))}});
  registration.inputs = {
      {"package", {"package", "package"}},        {"manifest", {"package", "manifest"}},
      {"gates", {"evaluate", "gates"}},           {"verdict", {"evaluate", "verdict"}},
      {"all_passed", {"evaluate", "all_passed"}}, {"is_champion", {"evaluate", "is_champion"}}};
  pipeline.steps.push_back(std::move(registration));
  return pipeline;
}

Result<workflow::Pipeline> compile_lifecycle(const Store& store, const Project& project,
                                             const CompileOptions& options) {
  workflow::Pipeline pipeline = sketch_lifecycle(project, options);
  std::map<std::string, Json> files_of_source;
  for (workflow::Step& step : pipeline.steps) {
    if (step.component != "martlet/ingest") continue;
    const std::string name = step.parameters["dataset"].get<std::string>();
    MARTLET_TRY_SET(const auto order, project.data.build_order(name));
    Json files = Json::array();
    for (const data::FileSource& source : project.data.sources) {
      const bool used =
          std::any_of(order.begin(), order.end(), [&](const data::DatasetConfig* dataset) {
            return dataset->source == source.name ||
                   std::find(dataset->reads.begin(), dataset->reads.end(), source.name) !=
                       dataset->reads.end();
          });
      if (!used) continue;
      auto known = files_of_source.find(source.name);
      if (known == files_of_source.end()) {
        MARTLET_TRY_SET(const std::vector<data::SourceFile> found,
                        data::source_files(store.host().files, source, project.directory));
        Json list = Json::array();
        for (const data::SourceFile& file : found)
          list.push_back(Json{{"source", file.source}, {"digest", file.digest.text()}});
        known = files_of_source.emplace(source.name, std::move(list)).first;
      }
      for (const Json& file : known->second) files.push_back(file);
    }
    step.parameters["files"] = std::move(files);
  }

  Json ingredients = workflow::to_json(pipeline);
  ingredients["code_version"] = store.host().code_version;
  const std::string recipe = digest_of(ingredients).text();
  Json champion = nullptr;
  MARTLET_TRY_SET(const registry::ModelName name, registry::ModelName::parse(project.name));
  registry::ModelRegistry models = registry_of(store);
  MARTLET_TRY_SET(const auto live,
                  models.target_of(name, options.environment, registry::live_alias()));
  // What has no package can't be compared with: nobody serves it either.
  if (live.has_value() && live->has_package()) {
    const auto made_by = live->tags.find("martlet.recipe");
    if (made_by != live->tags.end() && made_by->second == recipe) {
      const auto judged_against = live->tags.find("martlet.champion");
      if (judged_against != live->tags.end()) champion = judged_against->second;
    } else {
      champion = live->package.text();
    }
  }
  for (workflow::Step& step : pipeline.steps) {
    if (step.name == "evaluate" || step.name == "register") step.parameters["champion"] = champion;
    if (step.name == "register") step.parameters["recipe"] = recipe;
  }
  return pipeline;
}

}  // namespace martlet::lifecycle
