#include "lifecycle/compare_outputs.h"

#include "artifacts/blob_store.h"
#include "artifacts/tree.h"
#include "data/version_store.h"
#include "lifecycle/explain_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace martlet::lifecycle {

namespace {

using workflow::StepRecord;

const StepRecord* find_step(const workflow::RunOutcome& outcome, const std::string& name) {
  const auto found = std::find_if(outcome.steps.begin(), outcome.steps.end(),
                                  [&](const StepRecord& step) { return step.name == name; });
  return found == outcome.steps.end() ? nullptr : &*found;
}

Json value_of(const Json& outputs, const char* key) {
  const auto found = outputs.find(key);
  return found == outputs.end() ? Json(nullptr) : *found;
}

std::string after_colon(const std::string& step) { return step.substr(step.find(':') + 1); }

class Comparison {
 public:
  Comparison(const RunSide& recorded, const RunSide& reproduced, const CompareOptions& options)
      : recorded_(recorded), reproduced_(reproduced), options_(options) {}

  Result<std::vector<OutputComparison>> run() {
    for (const StepRecord& step : recorded_.outcome.steps) {
      if (!workflow::gave_outputs(step.step_status())) continue;
      const StepRecord* again = find_step(reproduced_.outcome, step.name);
      if (again == nullptr || !workflow::gave_outputs(again->step_status())) {
        add_missing(step, again);
        continue;
      }
      MARTLET_TRY(compare_step(step, again->outputs));
    }
    return std::move(found_);
  }

 private:
  // How two blobs of these bytes differ: {where, expected, actual}.
  using Explain =
      std::function<Result<Json>(const StoredOutput& expected, const StoredOutput& actual)>;

  void add_missing(const StepRecord& step, const StepRecord* again) {
    OutputComparison one;
    one.name = "step:" + step.name;
    one.expected = std::string(workflow::name_of(workflow::StepStatus::Succeeded));
    one.actual = again == nullptr ? Json(nullptr)
                                  : Json(std::string(workflow::name_of(again->step_status())));
    one.note = again == nullptr       ? "this program's pipeline has no such step"
               : again->error.empty() ? "it was not reached"
                                      : again->error;
    found_.push_back(std::move(one));
  }

  Result<void> compare_step(const StepRecord& step, const Json& again) {
    const Json& outputs = step.outputs;
    const std::string part = after_colon(step.name);
    if (step.component == "martlet/ingest") return compare_dataset(part, outputs, again);
    if (step.component == "martlet/split") {
      return add_blob("split", value_of(outputs, "rows"), value_of(again, "rows"),
                      &explain_document);
    }
    if (step.component == "martlet/train") return compare_candidate(part, outputs, again);
    if (step.component == "martlet/select") {
      add_value("chosen", value_of(value_of(outputs, "chosen"), "candidate"),
                value_of(value_of(again, "chosen"), "candidate"));
      return {};
    }
    if (step.component == "martlet/evaluate") {
      compare_figures(outputs, again);
      if (!outputs.contains("diagnostics")) return {};
      return add_blob("diagnostics", outputs["diagnostics"], value_of(again, "diagnostics"),
                      &explain_document);
    }
    if (step.component == "martlet/package") return compare_package(outputs, again);
    // Version numbers and aliases belong to a store; the package is compared above.
    if (step.component == "martlet/register") return {};
    add_document(part, outputs, again);
    return {};
  }

  Result<void> compare_dataset(const std::string& name, const Json& outputs, const Json& again) {
    MARTLET_TRY(add_blob("dataset:" + name, value_of(outputs, "version"),
                         value_of(again, "version"),
                         [&](const StoredOutput& expected, const StoredOutput& actual) {
                           return explain_dataset(name, expected, actual);
                         }));
    if (found_.back().equal) {
      MARTLET_TRY(check_parts(name, value_of(outputs, "version")));
    }
    add_document("ledger:" + name, value_of(outputs, "ledger"), value_of(again, "ledger"));
    // Runs of older programs have no profile.
    if (!outputs.contains("profile")) return {};
    return add_blob("profile:" + name, outputs["profile"], value_of(again, "profile"),
                    &explain_document);
  }

  // The digest of a version is known from its record alone; its rows lie in parts.
  Result<void> check_parts(const std::string& name, const Json& digest) {
    MARTLET_TRY_SET(const data::DatasetVersion version,
                    versions_of(recorded_.store).find(name + "@" + digest.get<std::string>()));
    for (std::size_t i = 0; i < version.parts.size(); ++i) {
      auto checked = recorded_.store.blobs().verify(version.parts[i].digest);
      if (checked.has_value()) continue;
      MARTLET_TRY(mark_damaged(found_.back(), fmt::format("part {}", i + 1), checked.error()));
      return {};
    }
    return {};
  }

  Result<void> compare_candidate(const std::string& name, const Json& outputs, const Json& again) {
    MARTLET_TRY(add_blob("program:" + name, value_of(outputs, "program"),
                         value_of(again, "program"), &explain_document));
    MARTLET_TRY(add_blob("model:" + name, value_of(outputs, "model"), value_of(again, "model"),
                         &explain_model));
    add_value("threshold:" + name, value_of(outputs, "threshold"), value_of(again, "threshold"));
    add_value("validation_kpi:" + name, value_of(outputs, "validation_kpi"),
              value_of(again, "validation_kpi"));
    return {};
  }

  void compare_figures(const Json& outputs, const Json& again) {
    const Json kpis = value_of(again, "kpis");
    for (const Json& kpi : value_of(outputs, "kpis")) {
      const Json name = value_of(kpi, "name");
      const auto other = std::find_if(kpis.begin(), kpis.end(), [&](const Json& each) {
        return value_of(each, "name") == name;
      });
      add_figure("kpi." + name.get<std::string>(), kpi,
                 other == kpis.end() ? Json(nullptr) : *other);
    }
    const Json metrics = value_of(again, "metrics");
    const Json recorded_metrics = value_of(outputs, "metrics");  // items() refers to it
    for (const auto& [name, figure] : recorded_metrics.items())
      add_figure("metric." + name, figure, value_of(metrics, name.c_str()));
    for (const char* part : {"verdict", "gates", "slices", "fairness"}) {
      if (outputs.contains(part)) add_document(part, outputs[part], value_of(again, part));
    }
  }

  // A figure with or without its interval; both show its value.
  void add_figure(const std::string& name, const Json& expected, const Json& actual) {
    OutputComparison one;
    one.name = name;
    one.expected = expected.is_object() ? value_of(expected, "value") : expected;
    one.actual = actual.is_object() ? value_of(actual, "value") : actual;
    finish(one, expected, actual);
  }

  void add_value(const std::string& name, const Json& expected, const Json& actual) {
    OutputComparison one;
    one.name = name;
    one.expected = expected;
    one.actual = actual;
    finish(one, expected, actual);
  }

  // Something larger, shown by its digest.
  void add_document(const std::string& name, const Json& expected, const Json& actual) {
    OutputComparison one;
    one.name = name;
    one.expected = digest_of(expected).text();
    one.actual = digest_of(actual).text();
    finish(one, expected, actual);
  }

  void finish(OutputComparison& one, const Json& expected, const Json& actual) {
    const auto differences = json_differences(expected, actual, 1);
    one.equal = differences.empty();
    if (!one.equal) one.difference = difference_json(differences.front());
    found_.push_back(std::move(one));
  }

  Result<void> add_blob(const std::string& name, const Json& expected, const Json& actual,
                        const Explain& explain) {
    OutputComparison one;
    one.name = name;
    one.expected = expected;
    one.actual = actual;
    one.equal = expected == actual;
    found_.push_back(std::move(one));
    OutputComparison& added = found_.back();
    if (!expected.is_string()) return {};
    MARTLET_TRY_SET(const Digest wanted, Digest::parse(expected.get<std::string>()));
    if (auto whole = recorded_.store.blobs().verify(wanted); !whole.has_value())
      return mark_damaged(added, expected.get<std::string>(), whole.error());
    if (added.equal || !actual.is_string()) return {};
    MARTLET_TRY_SET(const Digest given, Digest::parse(actual.get<std::string>()));
    auto difference = explain({recorded_.store, wanted}, {reproduced_.store, given});
    if (difference.has_value()) {
      added.difference = std::move(*difference);
      return {};
    }
    return mark_damaged(added, expected.get<std::string>(), difference.error());
  }

  // What was recorded can't be read any more: named as such. Other failures are errors.
  static Result<void> mark_damaged(OutputComparison& one, const std::string& where,
                                   const Error& error) {
    if (error.code() != ErrorCode::Corrupt && error.code() != ErrorCode::NotFound)
      return fail(error);
    one.note = one.equal ? "made again with the same digest, but what was recorded is damaged"
                         : "what was recorded is damaged";
    one.equal = false;
    one.difference = Json{{"where", where}, {"expected", error.message()}, {"actual", nullptr}};
    return {};
  }

  Result<void> compare_package(const Json& outputs, const Json& again) {
    bool code_version_only = false;
    MARTLET_TRY(
        add_blob("package", value_of(outputs, "package"), value_of(again, "package"),
                 [&](const StoredOutput& expected, const StoredOutput& actual) -> Result<Json> {
                   MARTLET_TRY_SET(PackageDifference found, explain_package(expected, actual));
                   code_version_only = found.code_version_only;
                   return std::move(found.difference);
                 }));
    OutputComparison& added = found_.back();
    // Another build of the program writes its own code version into what is otherwise the same.
    if (code_version_only && !options_.same_program) {
      added.note = "the same but for the program's code version in the manifest";
      added.difference = nullptr;
      added.equal = true;
    }
    if (!added.equal) return {};
    return check_files(value_of(outputs, "package"));
  }

  Result<void> check_files(const Json& tree) {
    MARTLET_TRY_SET(const Digest digest, Digest::parse(tree.get<std::string>()));
    MARTLET_TRY_SET(const artifacts::Tree files,
                    artifacts::read_tree(recorded_.store.blobs(), digest));
    for (const auto& [path, file] : files) {
      auto checked = recorded_.store.blobs().verify(file.digest);
      if (!checked.has_value()) return mark_damaged(found_.back(), path, checked.error());
    }
    return {};
  }

  static data::VersionStore versions_of(const Store& store) {
    return {store.database(), store.blobs(), store.host().files, store.host().clock,
            store.scratch_directory()};
  }

  const RunSide& recorded_;
  const RunSide& reproduced_;
  const CompareOptions& options_;
  std::vector<OutputComparison> found_;
};

}  // namespace

Json to_json(const OutputComparison& comparison) {
  Json json{{"name", comparison.name},
            {"expected", comparison.expected},
            {"actual", comparison.actual},
            {"equal", comparison.equal}};
  if (!comparison.difference.is_null()) json["difference"] = comparison.difference;
  if (!comparison.note.empty()) json["note"] = comparison.note;
  return json;
}

Result<std::vector<OutputComparison>>
compare_outputs(const RunSide& recorded, const RunSide& reproduced, const CompareOptions& options) {
  return Comparison(recorded, reproduced, options).run();
}

}  // namespace martlet::lifecycle
