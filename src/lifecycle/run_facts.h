// lifecycle/run_facts.h: what a run ran on: program, libraries, machine, seeds, and the state of
// the project's repository. Gathered when a run begins, since files may change while it goes on.
#pragma once
#include "lifecycle/project.h"
#include "lifecycle/store.h"

#include <string>

namespace martlet::lifecycle {

struct RunFacts {
  // {martlet, code_version, project_file, seed, seeds, libraries, cpu, cpu_features, cores, kernel,
  //  git: {commit, dirty, diff_bytes, diff_cut} or null}
  Json json = Json::object();
  std::string diff;  // the artifact git.diff; "" when nothing is changed
};

RunFacts gather_facts(const Store& store, const Project& project);

// {name: version} of the libraries that results may depend on.
Json library_versions();

}  // namespace martlet::lifecycle
