#include "tracking/run.h"

#include "base/enum_name.h"
#include "base/text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>
#include <tuple>

namespace martlet::tracking {

namespace {

constexpr std::array<std::string_view, 5> kStatusNames{"scheduled", "running", "finished", "failed",
                                                       "killed"};
constexpr std::array<std::string_view, 2> kLifecycleNames{"active", "deleted"};
constexpr std::array<std::string_view, 6> kKindNames{"param", "metric",   "tag",
                                                     "input", "artifact", "fact"};
constexpr std::size_t kMaxKeyCharacters = 250;
constexpr std::size_t kMaxParamCharacters = 6000;
constexpr std::size_t kMaxTagCharacters = 8000;
constexpr std::size_t kMaxContextCharacters = 500;  // of a dataset's use, MLflow's limit
constexpr std::size_t kMaxExperimentTagCharacters = 20'000;

// Bytes beyond ASCII belong to letters of other scripts and pass.
bool is_key_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view("_/.- :").find(c) != std::string_view::npos;
}

std::string_view what_is_wrong_with_key(std::string_view key) {
  if (key.empty()) return "is empty";
  if (!is_valid_utf8(key)) return "isn't valid UTF-8";
  if (character_count(key) > kMaxKeyCharacters) return "is longer than 250 characters";
  for (const char c : key) {
    if (!is_key_byte(c)) return "has a character other than letters, digits and \"_/.- :\"";
  }
  for (const std::string_view part : split(key, '/')) {
    if (part.empty() || part == "." || part == "..")
      return "isn't a plain path (no leading, double or trailing '/', no '.' or '..')";
  }
  return "";
}

class BatchCheck {
 public:
  void key(std::string_view group, const std::string& name) {
    const std::string_view wrong = what_is_wrong_with_key(name);
    if (!wrong.empty()) add(group, name, "bad_key", fmt::format("the key {}", wrong));
  }
  void value(std::string_view group, const std::string& name, const std::string& text,
             std::size_t most) {
    if (!is_valid_utf8(text)) {
      add(group, name, "not_utf8", "the value isn't valid UTF-8");
    } else if (character_count(text) > most) {
      add(group, name, "too_long",
          fmt::format("the value has {} characters, {} are allowed; log it as an artifact",
                      character_count(text), most));
    }
  }
  // Name and digest stand in keys, which are short everywhere.
  void dataset(std::string_view group, const std::string& name, const std::string& digest) {
    if (name.size() > 500) add(group, name, "bad_name", "a dataset's name has 500 bytes at most");
    if (digest.size() > 100)
      add(group, name, "bad_digest", "a dataset's digest has 100 bytes at most");
  }
  void add(std::string_view group, const std::string& name, std::string_view rule,
           std::string message) {
    Finding finding;
    finding.path = fmt::format("{}[{}]", group, to_text(Json(name.substr(0, 80))));
    finding.rule = rule;
    finding.message = std::move(message);
    findings_.push_back(std::move(finding));
  }
  Result<void> finish() && {
    if (findings_.empty()) return {};
    return invalid("logging to a run", std::move(findings_));
  }

 private:
  std::vector<Finding> findings_;
};

Json metric_json(double value) {
  if (std::isnan(value)) return Json("NaN");
  if (std::isinf(value)) return Json(value > 0 ? "Infinity" : "-Infinity");
  return Json(value);
}

using Sides = std::map<std::string, std::pair<Json, Json>>;

void add_lines(std::vector<Difference>& lines, DifferenceKind kind, Sides sides) {
  for (auto& [key, pair] : sides) {
    const bool equal = pair.first == pair.second;
    lines.push_back({kind, key, std::move(pair.first), std::move(pair.second), equal});
  }
}

Sides sides_of(const Texts& first, const Texts& second) {
  Sides sides;
  for (const auto& [key, value] : first) sides[key].first = value;
  for (const auto& [key, value] : second) sides[key].second = value;
  return sides;
}

}  // namespace

std::string_view name_of(RunStatus status) { return enum_name(kStatusNames, status); }
bool parse_name(std::string_view text, RunStatus& status) {
  return find_enum(kStatusNames, text, status);
}
std::string_view name_of(Lifecycle lifecycle) { return enum_name(kLifecycleNames, lifecycle); }
bool parse_name(std::string_view text, Lifecycle& lifecycle) {
  return find_enum(kLifecycleNames, text, lifecycle);
}
std::string_view name_of(DifferenceKind kind) { return enum_name(kKindNames, kind); }

Result<RunStatus> next_status(RunStatus from, RunStatus to) {
  if (to == RunStatus::Scheduled && has_ended(from)) {
    return conflict(fmt::format("a run that is {} can't become scheduled again; start a new run",
                                name_of(from)));
  }
  return to;
}

Result<void> check_batch(const RunBatch& batch) {
  BatchCheck check;
  for (const auto& [key, value] : batch.params) {
    check.key("params", key);
    check.value("params", key, value, kMaxParamCharacters);
  }
  for (const Metric& metric : batch.metrics) check.key("metrics", metric.key);
  for (const ModelMetric& measured : batch.model_metrics)
    check.dataset("metrics", measured.dataset_name, measured.dataset_digest);
  for (const auto& [key, value] : batch.tags) {
    check.key("tags", key);
    check.value("tags", key, value, kMaxTagCharacters);
  }
  for (const DatasetInput& input : batch.inputs) {
    if (input.name.empty()) check.add("inputs", "", "bad_name", "a dataset has a name");
    if (input.digest.empty())
      check.add("inputs", input.name, "bad_digest", "a dataset has a digest");
    check.dataset("inputs", input.name, input.digest);
    if (character_count(input.context) > kMaxContextCharacters)
      check.add("inputs", input.name, "bad_context",
                "a dataset's context has 500 characters at most");
    if (!is_valid_utf8(input.name + input.digest + input.context))
      check.add("inputs", input.name, "not_utf8", "a text of it isn't valid UTF-8");
  }
  return std::move(check).finish();
}

Result<void> check_experiment_tags(const Texts& tags) {
  BatchCheck check;
  for (const auto& [key, value] : tags) {
    check.key("tags", key);
    check.value("tags", key, value, kMaxExperimentTagCharacters);
  }
  return std::move(check).finish();
}

bool is_later(const Metric& candidate, const Metric& current) {
  const auto comparable = [](double value) { return std::isnan(value) ? 0.0 : value; };
  return std::tuple(candidate.step, candidate.at, comparable(candidate.value)) >
         std::tuple(current.step, current.at, comparable(current.value));
}

std::vector<Difference> compare(const Run& first, const Run& second) {
  std::vector<Difference> lines;
  add_lines(lines, DifferenceKind::Param, sides_of(first.params, second.params));
  Sides metrics;
  for (const auto& [key, metric] : first.metrics) metrics[key].first = metric_json(metric.value);
  for (const auto& [key, metric] : second.metrics) metrics[key].second = metric_json(metric.value);
  add_lines(lines, DifferenceKind::Metric, std::move(metrics));
  Texts first_tags = first.tags;
  Texts second_tags = second.tags;
  for (Texts* tags : {&first_tags, &second_tags}) tags->erase(std::string(kNameTag));
  add_lines(lines, DifferenceKind::Tag, sides_of(first_tags, second_tags));
  Sides inputs;
  for (const DatasetInput& input : first.inputs)
    inputs[input.context + ": " + input.name].first = input.digest;
  for (const DatasetInput& input : second.inputs)
    inputs[input.context + ": " + input.name].second = input.digest;
  add_lines(lines, DifferenceKind::Input, std::move(inputs));
  Sides artifacts;
  for (const Artifact& artifact : first.artifacts)
    artifacts[artifact.path].first = artifact.digest.text();
  for (const Artifact& artifact : second.artifacts)
    artifacts[artifact.path].second = artifact.digest.text();
  add_lines(lines, DifferenceKind::Artifact, std::move(artifacts));
  Sides facts;
  for (const auto& [key, value] : first.facts.items()) facts[key].first = value;
  for (const auto& [key, value] : second.facts.items()) facts[key].second = value;
  add_lines(lines, DifferenceKind::Fact, std::move(facts));
  return lines;
}

}  // namespace martlet::tracking
