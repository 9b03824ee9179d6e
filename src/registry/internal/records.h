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
  static constexpr metadata::RecordInfo kRecord{"registered_models", "name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("description", self.description);
    field("tags", self.tags);
    field("created", self.created);
    field("updated", self.updated);
    field("last_version", self.last_version);
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
