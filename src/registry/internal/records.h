// registry/internal/records.h: the tables of the registry.
#pragma once
#include "metadata/record.h"
#include "registry/model_version.h"

#include <cstdint>
#include <optional>
#include <string>

namespace martlet::registry {

struct ModelRecord {
  std::string name;
  std::string description;
  Json tags = Json::object();
  Timestamp created;
  Timestamp updated;
  std::int64_t last_version = 0;
  std::string created_by;
  static constexpr metadata::RecordInfo kRecord{"registered_models", "name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("description", self.description);
    field("tags", self.tags);
    field("created", self.created);
    field("updated", self.updated);
    field("last_version", self.last_version);
    field("created_by", self.created_by);
  }
};

struct VersionRecord {
  std::string model;
  std::int64_t number = 0;
  Digest package;
  RunId run;
  VersionStatus status = VersionStatus::Ready;
  std::string description;
  Json tags = Json::object();
  Timestamp created;
  Timestamp updated;
  std::string created_by;
  std::string source;
  std::string location;
  std::string run_link;
  std::string model_id;
  Stage stage = Stage::None;
  std::string status_message;
  static constexpr metadata::RecordInfo kRecord{"model_versions", "model, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("number", self.number);
    field("package", self.package);
    field("run", self.run);
    field("status", self.status);
    field("description", self.description);
    field("tags", self.tags);
    field("created", self.created);
    field("updated", self.updated);
    field("created_by", self.created_by);
    field("source", self.source);
    field("location", self.location);
    field("run_link", self.run_link);
    field("model_id", self.model_id);
    field("stage", self.stage);
    field("status_message", self.status_message);
  }
};

// The tags again, one by one, for searches; the record of the model or version is what is read.
// `brief` is the beginning of the value, since an index takes short texts only.
struct ModelTagRecord {
  std::string model;
  std::string key;
  std::string brief;
  std::string value;
  static constexpr metadata::RecordInfo kRecord{"registered_model_tags", "model, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("key", self.key);
    field("brief", self.brief);
    field("value", self.value);
  }
};

struct VersionTagRecord {
  std::string model;
  std::int64_t version = 0;
  std::string key;
  std::string brief;
  std::string value;
  static constexpr metadata::RecordInfo kRecord{"model_version_tags", "model, version, key"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("version", self.version);
    field("key", self.key);
    field("brief", self.brief);
    field("value", self.value);
  }
};

struct AliasRecord {
  std::string model;
  Environment environment = Environment::Experiment;
  std::string alias;
  std::int64_t version = 0;
  static constexpr metadata::RecordInfo kRecord{"model_aliases", "model, environment, alias"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("environment", self.environment);
    field("alias", self.alias);
    field("version", self.version);
  }
};

struct AliasChangeRecord {
  std::string model;
  Environment environment = Environment::Experiment;
  std::string alias;
  std::int64_t number = 0;
  std::optional<std::int64_t> from_version;
  std::optional<std::int64_t> to_version;
  Timestamp at;
  std::string actor;
  std::string reason;
  static constexpr metadata::RecordInfo kRecord{"model_alias_changes",
                                                "model, environment, alias, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("environment", self.environment);
    field("alias", self.alias);
    field("number", self.number);
    field("from_version", self.from_version);
    field("to_version", self.to_version);
    field("at", self.at);
    field("actor", self.actor);
    field("reason", self.reason);
  }
};

struct AttestationRecord {
  std::string model;
  std::int64_t version = 0;
  std::int64_t number = 0;
  AttestationKind kind = AttestationKind::Gates;
  std::optional<Environment> environment;
  Json statement = Json::object();
  Timestamp at;
  std::string actor;
  static constexpr metadata::RecordInfo kRecord{"model_attestations", "model, version, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("model", self.model);
    field("version", self.version);
    field("number", self.number);
    field("kind", self.kind);
    field("environment", self.environment);
    field("statement", self.statement);
    field("at", self.at);
    field("actor", self.actor);
  }
};

}  // namespace martlet::registry
