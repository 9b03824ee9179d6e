// workflow/step_key.h: what a step's outputs depend on, and why a key missed. Pure functions.
#pragma once
#include "base/json.h"
#include "workflow/component.h"

#include <map>
#include <string>

namespace martlet::workflow {

// Everything that goes into the step's key: component, its version, the program's version,
// parameters, inputs. The key is the digest of this object's canonical form.
Json step_ingredients(const Component& component, const std::string& code_version,
                      const Json& parameters, const std::map<std::string, Json>& inputs);

// "parameters.rounds was 100, is 200; inputs.dataset differs": the first few differences between
// two sets of ingredients.
std::string describe_difference(const Json& before, const Json& now);

}  // namespace martlet::workflow
