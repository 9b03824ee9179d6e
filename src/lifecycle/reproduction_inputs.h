// lifecycle/reproduction_inputs.h: what a run can be made again from: its source files, when they
// still hold the recorded bytes, else the dataset versions that it recorded.
#pragma once
#include "base/result.h"
#include "data/dataset_version.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "workflow/component.h"
#include "workflow/runner.h"

#include <map>
#include <optional>
#include <string>

namespace martlet::lifecycle {

enum class InputOrigin : std::uint8_t { Sources, RecordedVersion };
std::string_view name_of(InputOrigin origin);  // "sources", "recorded version"

// How one dataset of the run comes about again.
struct ReproductionInput {
  std::string dataset;
  InputOrigin origin = InputOrigin::Sources;
  std::string why;  // "" for sources: what has become of the files
  Json recorded;    // outputs of the recorded ingest step
  data::DatasetVersion version;
  // The one before, when the dataset is compared with it (an expectation of drift).
  std::optional<data::DatasetVersion> previous;
};

struct ReproductionInputs {
  std::string directory;                             // the project's folder, as it is now
  std::map<std::string, ReproductionInput> by_step;  // "ingest:departures"
};

// Looks at every ingest step that gave outputs. The folder is the one that the run recorded, or the
// one that holds the store if the project was moved. NotFound, saying what has become of the files,
// when a dataset can be had in neither way.
Result<ReproductionInputs> find_inputs(const Store& store, const Project& project,
                                       const workflow::RunOutcome& recorded);

// "martlet/ingest" for the scratch store: as ever from sources, or the recorded version taken over.
// All three must outlive it.
workflow::Component ingest_again(const workflow::Component& ingest,
                                 const ReproductionInputs& inputs, const Store& recorded,
                                 const Store& scratch);

}  // namespace martlet::lifecycle
