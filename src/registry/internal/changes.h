// registry/internal/changes.h: what every change of the registry's records has in common. Each
// function works in the caller's transaction.
#pragma once
#include "base/clock.h"
#include "base/result.h"
#include "metadata/audit.h"
#include "metadata/database.h"
#include "registry/internal/records.h"

#include <optional>
#include <string>
#include <string_view>

namespace martlet::registry {

// Who changes something, and when.
struct Change {
  metadata::Transaction& tx;
  const metadata::Actor& actor;
  Timestamp at;

  Result<void> audit(std::string action, std::string subject, Json details = Json::object()) const;
};

// The key and the value of a tag, as MLflow bounds them. InvalidArgument.
Result<void> check_tag(const std::string& key, const std::optional<std::string>& value);
Result<void> check_tags(const Texts& tags);
// In the record and among those that are searched; an absent value removes the tag.
Result<void> apply_tag(metadata::Transaction& tx, ModelRecord& record, const std::string& key,
                       const std::optional<std::string>& value);
Result<void> apply_tag(metadata::Transaction& tx, VersionRecord& record, const std::string& key,
                       const std::optional<std::string>& value);
// All tags of a new record, for searches.
Result<void> index_tags(metadata::Transaction& tx, const ModelRecord& record);
Result<void> index_tags(metadata::Transaction& tx, const VersionRecord& record);
// What the index knows of a value.
std::string brief_of(const std::string& value);

// A model is as new as the last change of its versions.
Result<void> touch_model(const Change& change, const std::string& model);

// Conflict when something that `live` points at, in any environment, has a package and so may be
// serving. Without a version: of the whole model.
Result<void> refuse_if_live(const metadata::ReadTransaction& tx, const ModelName& model,
                            const std::optional<Version>& version, std::string_view attempt);

// Takes an alias away, with its history and audit entry.
Result<void> drop_alias(const Change& change, const AliasRecord& alias, const std::string& reason);

// "churn@live in production"
std::string subject_of(const std::string& model, Environment environment, const std::string& alias);

}  // namespace martlet::registry
