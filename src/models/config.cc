#include "models/config.h"

#include "base/text.h"
#include "models/parameters.h"

namespace martlet::models {
namespace {

constexpr std::string_view kNotYet[] = {"xgboost", "command", "onnx"};

bool is_not_yet(std::string_view name) {
  return std::find(std::begin(kNotYet), std::end(kNotYet), name) != std::end(kNotYet);
}

void report_unknown(const Yaml& node, const std::string& name, std::vector<Finding>& findings) {
  if (is_not_yet(name)) {
    findings.push_back(node.finding("not_supported",
                                    fmt::format("the candidate \"{}\" is not supported yet; use {}",
                                                name, join(trainer_names(), ", "))));
    return;
  }
  findings.push_back(
      node.finding("unknown_trainer",
                   fmt::format("there is no model \"{}\"{}; known are {}", name,
                               did_you_mean(name, trainer_names()), join(trainer_names(), ", "))));
}

void read_parameters(const Yaml& node, Candidate& candidate, std::vector<Finding>& findings) {
  if (node.is_null()) return;
  if (!node.is_map()) {
    findings.push_back(node.finding(
        "wrong_type", fmt::format("the parameters of {} must be a map", candidate.trainer)));
    return;
  }
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters_of(candidate.trainer))
    names.emplace_back(parameter.name);
  for (const auto& [name, value] : node.entries()) {
    const Parameter* const parameter = find_parameter(candidate.trainer, name);
    if (parameter == nullptr) {
      findings.push_back(value.finding("unknown_key", fmt::format("{} has no parameter \"{}\"{}",
                                                                  candidate.trainer, name,
                                                                  did_you_mean(name, names))));
      continue;
    }
    Json json = value.to_json();
    if (auto problem = problem_with(*parameter, json)) {
      findings.push_back(value.finding("wrong_value", std::move(*problem)));
      continue;
    }
    candidate.parameters[name] = std::move(json);
  }
}

void read_candidate(const Yaml& node, ModelsConfig& config, std::vector<Finding>& findings) {
  const bool with_parameters = node.is_map() && node.entries().size() == 1;
  if (!node.is_scalar() && !with_parameters) {
    findings.push_back(node.finding(
        "wrong_type",
        "a candidate is a name, or a name with its parameters: {lightgbm: {num_leaves: 31}}"));
    return;
  }
  Candidate candidate;
  candidate.trainer = with_parameters ? node.entries()[0].first : node.scalar();
  candidate.where = node;
  const std::vector<std::string>& known = trainer_names();
  if (std::find(known.begin(), known.end(), candidate.trainer) == known.end()) {
    report_unknown(node, candidate.trainer, findings);
    return;
  }
  if (with_parameters) read_parameters(node.entries()[0].second, candidate, findings);
  config.candidates.push_back(std::move(candidate));
}

}  // namespace

ModelsConfig parse_models(const Yaml& node, std::vector<Finding>& findings) {
  ModelsConfig config;
  YamlObject read(node, findings);
  if (const Yaml* const candidates = read.child("candidates")) {
    if (!candidates->is_sequence() || candidates->items().empty()) {
      findings.push_back(
          candidates->finding("wrong_type", "candidates must be a list of at least one model"));
    }
    for (const Yaml& item : candidates->items()) read_candidate(item, config, findings);
  }
  if (const auto seed = read.integer("seed")) {
    if (*seed < 0) read.report("seed", "wrong_value", "seed must not be negative");
    config.seed = static_cast<std::uint64_t>(std::max<std::int64_t>(*seed, 0));
  }
  if (read.child("search") != nullptr) {
    read.report(
        "search", "not_supported",
        "searching for parameters is not supported yet; list candidates with their parameters");
  }
  read.finish();
  if (config.candidates.empty()) {
    config.candidates.push_back(
        {.trainer = "lightgbm", .parameters = Json::object(), .where = node});
  }
  return config;
}

}  // namespace martlet::models
