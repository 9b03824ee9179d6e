#include "workflow/references.h"

#include "metadata/database.h"
#include "workflow/pipeline.h"
#include "workflow/records.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::workflow {

namespace {

constexpr const char* kStep = "step output";
constexpr const char* kRun = "pipeline run";

void add_texts(const Json& value, const artifacts::BlobHolder& holder, const std::string& path,
               artifacts::BlobReferences& found) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!text.starts_with("sha256:")) return;
    const auto digest = Digest::parse(text);
    if (!digest.has_value()) return;
    artifacts::BlobHolder named = holder;
    named.part = path;
    found.blobs.push_back({*digest, artifacts::BlobContent::BytesOrManifest, std::move(named)});
    return;
  }
  if (!value.is_structured()) return;
  for (const auto& [key, inner] : value.items())
    add_texts(inner, holder, path.empty() ? key : path + "." + key, found);
}

class RunChecker {
 public:
  explicit RunChecker(std::vector<Finding>& findings) : findings_(findings) {}

  void check(const PipelineRunRecord& run, const std::vector<StepRecord>& steps) {
    run_ = run.id.text();
    const bool over = run.run_status() != RunStatus::Running;
    if (over != run.ended.has_value()) {
      report("wrong_status", fmt::format("it is {}, but {} end is recorded",
                                         name_of(run.run_status()), over ? "no" : "an"));
    }
    check_names(run, steps);
    for (const StepRecord& step : steps) check_step(run, step, over);
  }

 private:
  void report(std::string_view rule, std::string message) {
    Finding finding;
    finding.path = fmt::format("{} {}", kRun, run_);
    finding.rule = rule;
    finding.message = std::move(message);
    findings_.push_back(std::move(finding));
  }

  void check_names(const PipelineRunRecord& run, const std::vector<StepRecord>& steps) {
    const auto pipeline = pipeline_from_json(run.definition);
    if (!pipeline.has_value())
      return report("damaged_record", "its definition: " + pipeline.error().message());
    for (const Step& wanted : pipeline->steps) {
      const auto recorded = std::count_if(steps.begin(), steps.end(), [&](const StepRecord& step) {
        return step.name == wanted.name;
      });
      if (recorded != 1)
        report("missing_step", fmt::format("step {} is recorded {} times", wanted.name, recorded));
    }
    if (steps.size() != pipeline->steps.size()) {
      report("missing_step", fmt::format("{} steps are recorded, its definition has {}",
                                         steps.size(), pipeline->steps.size()));
    }
  }

  void check_step(const PipelineRunRecord& run, const StepRecord& step, bool over) {
    const StepStatus status = step.step_status();
    const std::string_view word = name_of(status);
    if (over && !is_finished(status))
      report("wrong_status", fmt::format("it has ended, but step {} is {}", step.name, word));
    if (run.run_status() == RunStatus::Succeeded && !gave_outputs(status))
      report("wrong_status", fmt::format("it succeeded, but step {} is {}", step.name, word));
    if (gave_outputs(status) && (!step.outputs.is_object() || step.key.empty())) {
      report("missing_outputs",
             fmt::format("step {} is {}, but has no outputs or no key", step.name, word));
    }
    if (status == StepStatus::Succeeded && step.attempt < 1)
      report("wrong_status", fmt::format("step {} succeeded without an attempt", step.name));
  }

  std::vector<Finding>& findings_;
  std::string run_;
};

}  // namespace

Result<void> add_references(const metadata::ReadTransaction& tx, artifacts::BlobReferences& found) {
  MARTLET_TRY_SET(const auto runs, tx.select<PipelineRunRecord>());
  for (const PipelineRunRecord& run : runs)
    add_texts(run.parameters, {kRun, run.id.text(), ""}, "", found);
  MARTLET_TRY_SET(const auto steps, tx.select<StepRecord>());
  for (const StepRecord& step : steps) {
    add_texts(step.outputs, {kStep, fmt::format("{} of run {}", step.name, step.run.text()), ""},
              "", found);
  }
  MARTLET_TRY_SET(const auto cached, tx.select<StepCacheRecord>());
  for (const StepCacheRecord& entry : cached) {
    add_texts(entry.outputs,
              {kStep, fmt::format("{} of run {} (cached)", entry.step, entry.run.text()), ""}, "",
              found);
  }
  return {};
}

Result<std::vector<Finding>> check_records(const metadata::ReadTransaction& tx) {
  std::vector<Finding> findings;
  RunChecker checker(findings);
  MARTLET_TRY_SET(const auto runs, tx.select<PipelineRunRecord>());
  for (const PipelineRunRecord& run : runs) {
    MARTLET_TRY_SET(const auto steps,
                    tx.select<StepRecord>(metadata::Query(metadata::equal("run", run.id))));
    checker.check(run, steps);
  }
  return findings;
}

}  // namespace martlet::workflow
