// registry/internal/model_loading.h: the registry's values, from their records.
#pragma once
#include "base/result.h"
#include "metadata/database.h"
#include "registry/internal/records.h"

#include <optional>
#include <vector>

namespace martlet::registry {

Texts texts_of(const Json& object);
Json json_of(const Texts& texts);

// NotFound, with what there is to do.
Result<ModelRecord> require_model(const metadata::ReadTransaction& tx, const ModelName& name);
Result<VersionRecord> require_version(const metadata::ReadTransaction& tx, const ModelName& model,
                                      Version version);

// With their aliases, in the given order.
Result<std::vector<RegisteredModel>> models_of(const metadata::ReadTransaction& tx,
                                               const std::vector<ModelRecord>& records);
Result<std::vector<ModelVersion>> versions_of(const metadata::ReadTransaction& tx,
                                              const std::vector<VersionRecord>& records);
Result<RegisteredModel> model_of(const metadata::ReadTransaction& tx, const ModelRecord& record);
Result<ModelVersion> version_of(const metadata::ReadTransaction& tx, const VersionRecord& record);

// Where an alias points; nullopt: nowhere.
Result<std::optional<Version>> current_target(const metadata::ReadTransaction& tx,
                                              const ModelName& model, Environment environment,
                                              const Alias& alias);

}  // namespace martlet::registry
