// lifecycle/steps.h: the built-in components: what the steps of the compiled lifecycle do. One
// function each, in a file of its own.
//
// Each reads its parameters and inputs, works, stores what is large as blobs and gives its outputs
// as JSON. Outputs depend on nothing but parameters, inputs and the program (compile.h puts all
// that matters into the parameters), so they may be cached by content.
#pragma once
#include "lifecycle/workshop.h"
#include "workflow/component.h"

namespace martlet::lifecycle {

// A source's files and a dataset's SQL, cleaning and expectations → a dataset version. Fails when
// an expectation of severity fail is unmet.
Result<Json> ingest_step(Workshop& workshop, const workflow::StepContext& context);
// A dataset version → which rows train, validate and test.
Result<Json> split_step(Workshop& workshop, const workflow::StepContext& context);
// A dataset version → columns that leak the target.
Result<Json> leakage_step(Workshop& workshop, const workflow::StepContext& context);
// Training rows → fitted baselines, and the best of them.
Result<Json> baselines_step(Workshop& workshop, const workflow::StepContext& context);
// Training and validation rows → one candidate's program, model and threshold.
Result<Json> train_step(Workshop& workshop, const workflow::StepContext& context);
// All candidates → the one whose primary KPI is best on the validation rows.
Result<Json> select_step(Workshop& workshop, const workflow::StepContext& context);
// Test rows → KPIs with intervals, verdict, gates, metrics, slices, fairness.
Result<Json> evaluate_step(Workshop& workshop, const workflow::StepContext& context);
// Program, model and reference → the package.
Result<Json> package_step(Workshop& workshop, const workflow::StepContext& context);
// A package → a model version, live in its environment when every gate let it pass.
Result<Json> register_step(Workshop& workshop, const workflow::StepContext& context);

// All of them by name, "martlet/ingest" and so on. The workshop must outlive the table.
workflow::ComponentTable component_table(Workshop& workshop);

// --- what several steps share -------------------------------------------------------------------

// An input that is a digest. InvalidArgument names the step and the input.
Result<Digest> digest_input(const workflow::StepContext& context, const std::string& name);
Result<Json> json_blob(const Workshop& workshop, const Digest& digest);
Result<Digest> put_json(const Workshop& workshop, const Json& value);

struct SplitRows {
  std::vector<std::uint32_t> training, validation, test;
};
Result<SplitRows> read_split_blob(const Workshop& workshop, const Digest& digest);

// Inputs named "lookup:<dataset>" → that dataset's version.
Result<std::map<std::string, Digest>> lookup_versions(const workflow::StepContext& context);

// A candidate as the train step left it.
struct StoredCandidate {
  std::string name;
  features::FeatureProgram program;
  std::shared_ptr<const models::Predictor> predictor;
  models::TrainedModel model;
  double threshold = 0.5;
};
Result<StoredCandidate> read_candidate(const Workshop& workshop, const Json& outputs);

}  // namespace martlet::lifecycle
