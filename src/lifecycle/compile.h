// lifecycle/compile.h: martlet.yaml compiled into the pipeline "lifecycle". Pure but for reading
// the source files' digests.
#pragma once
#include "base/result.h"
#include "base/time.h"
#include "lifecycle/project.h"
#include "lifecycle/store.h"
#include "registry/names.h"
#include "workflow/pipeline.h"

#include <optional>
#include <string>

namespace martlet::lifecycle {

struct CompileOptions {
  registry::Environment environment = registry::Environment::Experiment;
  std::optional<Timestamp> as_of;  // only rows whose truth was known then
};

// Everything that a step's outputs depend on stands in its parameters: the section of the file that
// it reads, the digests of source files, seeds, and for gates and registration the champion. The
// champion is the live version, unless that came from this very recipe and data: then it is the one
// that version was judged against, so that running the same again hits every step.
// NotFound when a source file is missing; Unavailable when the store can't be read.
Result<workflow::Pipeline> compile_lifecycle(const Store& store, const Project& project,
                                             const CompileOptions& options);

// The same without a store: no digests of files and no champion. For `graph` and `check`.
workflow::Pipeline sketch_lifecycle(const Project& project, const CompileOptions& options);

}  // namespace martlet::lifecycle
