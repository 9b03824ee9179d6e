#include "lifecycle/reproduction_inputs.h"

#include "data/source.h"
#include "data/version_store.h"
#include "lifecycle/workshop.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace martlet::lifecycle {

namespace {

constexpr std::string_view kIngest = "martlet/ingest";

const workflow::Step* step_named(const workflow::Pipeline& pipeline, const std::string& name) {
  const auto found = std::find_if(pipeline.steps.begin(), pipeline.steps.end(),
                                  [&](const workflow::Step& step) { return step.name == name; });
  return found == pipeline.steps.end() ? nullptr : &*found;
}

// source → digests of its files in the order in which they are read.
using SourceDigests = std::map<std::string, std::vector<std::string>>;

SourceDigests recorded_files(const Json& parameters) {
  SourceDigests files;
  const auto list = parameters.find("files");
  if (list == parameters.end() || !list->is_array()) return files;
  for (const Json& file : *list)
    files[file.value("source", std::string())].push_back(file.value("digest", std::string()));
  return files;
}

// Absolute, without "." and a "/" at its end.
std::string folder_of(const std::string& directory) {
  std::string folder = std::filesystem::absolute(directory).lexically_normal().string();
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return folder;
}

// A file as the project names it: recorded and present paths begin in other ways, when the project
// was named in another way or has moved.
std::string within(const std::string& path, const std::string& directory,
                   const std::string& recorded_directory) {
  const std::string normal = std::filesystem::path(path).lexically_normal().string();
  for (const std::string& folder : {directory, recorded_directory}) {
    if (normal.starts_with(folder + "/")) return normal.substr(folder.size() + 1);
  }
  return normal;
}

// What has become of a source's files; "" when they are what they were. `known` says which paths
// held which bytes, as far as the version's provenance tells.
Result<std::string> change_of(const Store& store, const Project& project,
                              const std::string& directory, const std::string& name,
                              const std::vector<std::string>& digests,
                              const std::vector<data::SourceFile>& known) {
  const auto named = [&](const data::SourceFile& file) {
    return within(file.path, directory, folder_of(project.directory));
  };
  const auto source = std::find_if(project.data.sources.begin(), project.data.sources.end(),
                                   [&](const data::FileSource& each) { return each.name == name; });
  if (source == project.data.sources.end())
    return "source " + name + " isn't in the recorded project file";
  const auto now = data::source_files(store.host().files, *source, directory);
  if (!now.has_value()) {
    if (now.error().code() != ErrorCode::NotFound &&
        now.error().code() != ErrorCode::PermissionDenied)
      return fail(now.error());
    return now.error().message();
  }
  const bool is_same = std::equal(now->begin(), now->end(), digests.begin(), digests.end(),
                                  [](const data::SourceFile& file, const std::string& digest) {
                                    return file.digest.text() == digest;
                                  });
  if (is_same) return std::string();
  for (const data::SourceFile& file : known) {
    if (file.source != name) continue;
    const auto found = std::find_if(now->begin(), now->end(), [&](const data::SourceFile& each) {
      return named(each) == named(file);
    });
    if (found == now->end()) return named(file) + " is gone";
    if (found->digest != file.digest) {
      return fmt::format("{} has changed: it was {}, it is {}", named(file),
                         file.digest.short_text(), found->digest.short_text());
    }
  }
  return fmt::format("source {} reads {} files now, and read {} then", name, now->size(),
                     digests.size());
}

// "" when every file that the dataset was made of still holds the recorded bytes.
Result<std::string> change_of_dataset(const Store& store, const Project& project,
                                      const std::string& directory, const workflow::Step& step,
                                      const std::vector<data::SourceFile>& known) {
  for (const auto& [source, digests] : recorded_files(step.parameters)) {
    MARTLET_TRY_SET(std::string change,
                    change_of(store, project, directory, source, digests, known));
    if (!change.empty()) return change;
  }
  return std::string();
}

data::VersionStore versions_of(const Store& store) {
  return {store.database(), store.blobs(), store.host().files, store.host().clock,
          store.scratch_directory()};
}

// Which version the run would have found as the latest, before it published its own.
Result<std::optional<data::DatasetVersion>>
latest_before(const data::VersionStore& versions, const std::string& dataset, Timestamp began) {
  MARTLET_TRY_SET(const auto all, versions.versions(dataset));
  for (const data::DatasetVersion& version : all) {
    if (version.created < began) return std::optional(version);
  }
  return std::optional<data::DatasetVersion>();
}

bool looks_back(const Project& project, const std::string& dataset) {
  const data::DatasetConfig* config = project.data.find_dataset(dataset);
  return config != nullptr && std::any_of(config->expect.begin(), config->expect.end(),
                                          [](const data::Expectation& expectation) {
                                            return expectation.kind == data::ExpectationKind::Drift;
                                          });
}

Result<ReproductionInput> find_input(const Store& store, const Project& project,
                                     const std::string& directory, const workflow::Step& step,
                                     const workflow::StepRecord& record, Timestamp began) {
  const std::string subject = "the outputs of step " + record.name;
  ReproductionInput input;
  MARTLET_TRY_SET(input.dataset, text_member(step.parameters, "dataset", subject));
  MARTLET_TRY_SET(const std::string digest, text_member(record.outputs, "version", subject));
  input.recorded = record.outputs;
  const data::VersionStore versions = versions_of(store);
  auto version = versions.find(input.dataset + "@" + digest);
  if (version.has_value()) input.version = std::move(*version);
  MARTLET_TRY_SET(input.why,
                  change_of_dataset(store, project, directory, step,
                                    version.has_value() ? input.version.provenance.files
                                                        : std::vector<data::SourceFile>{}));
  if (input.why.empty()) {
    if (looks_back(project, input.dataset) && version.has_value()) {
      MARTLET_TRY_SET(input.previous, latest_before(versions, input.dataset, began));
    }
    return input;
  }
  input.origin = InputOrigin::RecordedVersion;
  if (!version.has_value()) {
    return not_found(fmt::format(
        "dataset {} can't be made again, since {}; and its recorded version is of no help: {}",
        input.dataset, input.why, version.error().message()));
  }
  return input;
}

Json outputs_of(const ReproductionInput& input, const data::DatasetVersion& version) {
  Json outputs = input.recorded;
  outputs["version"] = version.digest.text();
  outputs["name"] = version.name();
  return outputs;
}

}  // namespace

std::string_view name_of(InputOrigin origin) {
  return origin == InputOrigin::Sources ? "sources" : "recorded version";
}

Result<ReproductionInputs> find_inputs(const Store& store, const Project& project,
                                       const workflow::RunOutcome& recorded) {
  MARTLET_TRY_SET(const workflow::Pipeline pipeline,
                  workflow::pipeline_from_json(recorded.run.definition));
  ReproductionInputs inputs;
  inputs.directory = folder_of(project.directory);
  if (!store.host().files.exists(inputs.directory))
    inputs.directory = parent_path(folder_of(store.directory()));
  for (const workflow::StepRecord& record : recorded.steps) {
    if (record.component != kIngest || !workflow::gave_outputs(record.step_status())) continue;
    const workflow::Step* step = step_named(pipeline, record.name);
    if (step == nullptr)
      return corrupt("run " + recorded.run.id.text() + " has no definition of step " + record.name);
    MARTLET_TRY_SET(inputs.by_step[record.name], find_input(store, project, inputs.directory, *step,
                                                            record, recorded.run.created));
  }
  return inputs;
}

workflow::Component ingest_again(const workflow::Component& ingest,
                                 const ReproductionInputs& inputs, const Store& recorded,
                                 const Store& scratch) {
  workflow::Component again = ingest;
  again.run = [original = ingest.run, &inputs, &recorded,
               &scratch](const workflow::StepContext& context) -> Result<Json> {
    const auto found = inputs.by_step.find(context.step);
    if (found == inputs.by_step.end()) return original(context);
    const ReproductionInput& input = found->second;
    data::VersionStore versions = versions_of(scratch);
    if (input.origin == InputOrigin::RecordedVersion) {
      MARTLET_TRY_SET(const data::Published taken, versions.adopt(input.version, recorded.blobs()));
      context.log(input.version.name() + " is taken from the record, since " + input.why);
      return outputs_of(input, taken.version);
    }
    if (input.previous.has_value()) {
      MARTLET_TRY(versions.adopt(*input.previous, recorded.blobs()));
    }
    return original(context);
  };
  return again;
}

}  // namespace martlet::lifecycle
