#include "lifecycle/run_facts.h"

#include "lifecycle/git_state.h"
#include "metadata/engine.h"
#include "models/trainer.h"
#include "platform/host.h"
#include "table/engine_pin.h"

namespace martlet::lifecycle {

Json library_versions() {
  return Json{{"duckdb", table::pinned_engine_version()},
              {"sqlite", metadata::engine_version()},
              {"lightgbm", models::lightgbm_version()},
              {"glibc", platform::glibc_version()},
              {"compiler", __VERSION__}};
}

RunFacts gather_facts(const Store& store, const Project& project) {
  const platform::Host machine = platform::describe_host();
  RunFacts facts;
  facts.json = Json{{"martlet", store.host().version},
                    {"code_version", store.host().code_version},
                    {"project_file", project.digest.text()},
                    {"seed", project.models.seed},
                    {"seeds", Json{{"models", project.models.seed},
                                   {"split", project.split.own_seed.value_or(project.models.seed)},
                                   {"bootstrap", project.models.seed}}},
                    {"libraries", library_versions()},
                    {"cpu", machine.cpu_model},
                    {"cpu_features", machine.cpu_features},
                    {"cores", machine.cores},
                    {"kernel", machine.kernel},
                    {"git", nullptr}};
  if (auto git = git_state_of(store.host().files, project.directory); git.has_value()) {
    facts.json["git"] = Json{{"commit", git->commit},
                             {"dirty", git->dirty},
                             {"diff_bytes", git->diff.size()},
                             {"diff_cut", git->cut}};
    facts.diff = std::move(git->diff);
  }
  return facts;
}

}  // namespace martlet::lifecycle
