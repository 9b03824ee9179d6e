// server/mlflow/registry_wire.h: registered models and their versions, between the registry's
// values and MLflow's messages. The one place that knows both. Pure functions.
#pragma once
#include "base/result.h"
#include "registry/model_search.h"
#include "registry/model_version.h"
#include "server/mlflow/fields.h"
#include "server/mlflow/json_writer.h"

#include <string>
#include <string_view>
#include <vector>

namespace martlet::server::mlflow {

// MLflow knows no environments: its clients see the aliases of this one.
inline constexpr registry::Environment kClientEnvironment = registry::Environment::Experiment;

std::string_view stage_of(registry::Stage stage);            // "Production"
std::string_view status_of(registry::VersionStatus status);  // "READY"
// Where a client downloads the version's files from; "" for a package, which isn't kept as files
// of a run.
std::string download_uri(const registry::ModelVersion& version);

void write(JsonWriter& json, const registry::ModelVersion& version);
// `latest`: the newest version of each stage.
void write(JsonWriter& json, const registry::RegisteredModel& model,
           const std::vector<registry::ModelVersion>& latest);

// The required fields of these names. InvalidArgument when the text can't be one; a missing one is
// noted in the fields, and check() says so.
Result<registry::ModelName> read_model_name(const Fields& fields, std::string_view name = "name");
Result<registry::Version> read_version(const Fields& fields);
Result<registry::Alias> read_alias(const Fields& fields);
// tags: the last of a key counts.
registry::Texts read_tags(const Fields& fields);
// filter, order_by, max_results within its bound; without the page.
registry::RegistrySearch read_search(const Fields& fields, std::int64_t usual, std::int64_t most);
// What a page token belongs to.
std::string told_of(std::string_view what, const registry::RegistrySearch& search);

}  // namespace martlet::server::mlflow
