#include "registry/model_registry.h"

#include "artifacts/blob_store.h"
#include "base/enum_name.h"
#include "metadata/database.h"
#include "registry/internal/records.h"

#include <fmt/format.h>

#include <array>

namespace martlet::registry {

namespace {

using metadata::equal;
using metadata::Order;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

constexpr std::array<std::string_view, 3> kStatusNames{"pending", "ready", "failed"};
constexpr std::array<std::string_view, 5> kAttestationNames{"gates", "waiver", "approval",
                                                            "signature", "reproduction"};
constexpr std::size_t kMaxTagKeyBytes = 250;
constexpr std::size_t kMaxTagValueBytes = 100'000;

Texts texts_of(const Json& object) {
  Texts texts;
  for (const auto& [key, value] : object.items())
    texts[key] = value.is_string() ? value.get<std::string>() : martlet::to_text(value);
  return texts;
}

Json json_of(const Texts& texts) {
  Json object = Json::object();
  for (const auto& [key, value] : texts) object[key] = value;
  return object;
}

// Stored names were checked when they were written.
Result<ModelName> stored_model(const std::string& text) {
  auto name = ModelName::parse(text);
  if (!name.has_value()) return corrupt("the registry holds a bad name: " + name.error().message());
  return name;
}

Result<RegisteredModel> model_of(const ModelRecord& record) {
  MARTLET_TRY_SET(ModelName name, stored_model(record.name));
  return RegisteredModel{std::move(name), record.description, texts_of(record.tags),
                         record.created,  record.updated,     {record.last_version}};
}

Result<ModelVersion> version_of(const ReadTransaction& tx, const VersionRecord& record) {
  ModelVersion version;
  MARTLET_TRY_SET(version.model, stored_model(record.model));
  version.version = {record.number};
  version.package = record.package;
  version.run = record.run;
  version.status = record.status;
  version.description = record.description;
  version.tags = texts_of(record.tags);
  version.created = record.created;
  version.updated = record.updated;
  version.created_by = record.created_by;
  MARTLET_TRY_SET(const auto aliases, tx.select<AliasRecord>(Query(equal("model", record.model) &&
                                                                   equal("version", record.number))
                                                                 .order_by("environment")
                                                                 .order_by("alias")));
  for (const AliasRecord& alias : aliases) {
    auto name = Alias::parse(alias.alias);
    if (!name.has_value())
      return corrupt("the registry holds a bad name: " + name.error().message());
    version.aliases.push_back({alias.environment, std::move(*name)});
  }
  return version;
}

Result<std::vector<ModelVersion>> versions_where(const ReadTransaction& tx, Query query) {
  MARTLET_TRY_SET(const auto records, tx.select<VersionRecord>(query));
  std::vector<ModelVersion> versions;
  for (const VersionRecord& record : records) {
    MARTLET_TRY_SET(ModelVersion version, version_of(tx, record));
    versions.push_back(std::move(version));
  }
  return versions;
}

Result<VersionRecord> require_version(const ReadTransaction& tx, const ModelName& model,
                                      Version version) {
  MARTLET_TRY_SET(std::optional<VersionRecord> record,
                  tx.get<VersionRecord>(model.text(), version.number));
  if (record.has_value()) return std::move(*record);
  return not_found(
      fmt::format("there is no model version {}; `martlet models list` shows those that exist",
                  to_text(model, version)));
}

Result<ModelRecord> require_model(const ReadTransaction& tx, const ModelName& name) {
  MARTLET_TRY_SET(std::optional<ModelRecord> record, tx.get<ModelRecord>(name.text()));
  if (record.has_value()) return std::move(*record);
  return not_found(
      fmt::format("there is no registered model {}; `martlet models list` shows those that exist",
                  name.text()));
}

Result<std::optional<Version>> current_target(const ReadTransaction& tx, const ModelName& model,
                                              Environment environment, const Alias& alias) {
  MARTLET_TRY_SET(const auto record, tx.get<AliasRecord>(model.text(), environment, alias.text()));
  return record.has_value() ? std::optional<Version>(Version{record->version}) : std::nullopt;
}

Result<void> check_tag(const std::string& key, const std::optional<std::string>& value) {
  if (key.empty() || key.size() > kMaxTagKeyBytes)
    return invalid_argument(fmt::format("a tag's key has 1 to {} bytes", kMaxTagKeyBytes));
  if (value.has_value() && value->size() > kMaxTagValueBytes) {
    return invalid_argument(fmt::format("the value of tag {} has {} bytes, {} are allowed", key,
                                        value->size(), kMaxTagValueBytes));
  }
  return {};
}

void apply_tag(Json& tags, const std::string& key, const std::optional<std::string>& value) {
  if (value.has_value()) {
    tags[key] = *value;
  } else {
    tags.erase(key);
  }
}

std::string subject_of(const ModelName& model, Environment environment, const Alias& alias) {
  return fmt::format("{}@{} in {}", model.text(), alias.text(), name_of(environment));
}

std::string where_text(const std::optional<Version>& version) {
  return version.has_value() ? "version " + std::to_string(version->number) : "nothing";
}

Json version_json(const std::optional<Version>& version) {
  return version.has_value() ? Json(version->number) : Json(nullptr);
}

std::optional<std::int64_t> number_of(const std::optional<Version>& version) {
  return version.has_value() ? std::optional<std::int64_t>(version->number) : std::nullopt;
}

std::optional<Version> version_from(const std::optional<std::int64_t>& number) {
  return number.has_value() ? std::optional<Version>(Version{*number}) : std::nullopt;
}

}  // namespace

std::string_view name_of(VersionStatus status) { return enum_name(kStatusNames, status); }
bool parse_name(std::string_view text, VersionStatus& status) {
  return find_enum(kStatusNames, text, status);
}
std::string_view name_of(AttestationKind kind) { return enum_name(kAttestationNames, kind); }
bool parse_name(std::string_view text, AttestationKind& kind) {
  return find_enum(kAttestationNames, text, kind);
}
std::string to_text(const ModelName& model, Version version) {
  return model.text() + "/" + std::to_string(version.number);
}

Result<void> ModelRegistry::audit(Transaction& tx, const Actor& actor, std::string action,
                                  std::string subject, Json details) const {
  MARTLET_TRY(metadata::append_audit(tx, clock_.now(), actor,
                                     {std::move(action), std::move(subject), std::move(details)}));
  return {};
}

Result<RegisteredModel> ModelRegistry::create_model(const ModelName& name,
                                                    const std::string& description,
                                                    const Texts& tags, const Actor& actor) {
  for (const auto& [key, value] : tags) MARTLET_TRY(check_tag(key, value));
  return database_.write([&](Transaction& tx) -> Result<RegisteredModel> {
    const Timestamp now = clock_.now();
    const ModelRecord record{name.text(), description, json_of(tags), now, now, 0};
    MARTLET_TRY_SET(const bool fresh, tx.insert_if_absent(record));
    if (!fresh)
      return fail(ErrorCode::AlreadyExists,
                  fmt::format("there is a registered model {} already", name.text()));
    MARTLET_TRY(
        audit(tx, actor, "registry.model.create", name.text(), {{"description", description}}));
    return model_of(record);
  });
}

Result<RegisteredModel> ModelRegistry::model(const ModelName& name) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<RegisteredModel> {
    MARTLET_TRY_SET(const ModelRecord record, require_model(tx, name));
    return model_of(record);
  });
}

Result<std::vector<RegisteredModel>> ModelRegistry::models() const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::vector<RegisteredModel>> {
    MARTLET_TRY_SET(const auto records, tx.select<ModelRecord>(Query().order_by("name")));
    std::vector<RegisteredModel> found;
    for (const ModelRecord& record : records) {
      MARTLET_TRY_SET(RegisteredModel model, model_of(record));
      found.push_back(std::move(model));
    }
    return found;
  });
}

Result<void> ModelRegistry::describe_model(const ModelName& name, const std::string& description,
                                           const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(ModelRecord record, require_model(tx, name));
    record.description = description;
    record.updated = clock_.now();
    MARTLET_TRY(tx.update(record));
    return audit(tx, actor, "registry.model.describe", name.text(), {{"description", description}});
  });
}

Result<void> ModelRegistry::tag_model(const ModelName& name, const std::string& key,
                                      const std::optional<std::string>& value, const Actor& actor) {
  MARTLET_TRY(check_tag(key, value));
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(ModelRecord record, require_model(tx, name));
    apply_tag(record.tags, key, value);
    record.updated = clock_.now();
    MARTLET_TRY(tx.update(record));
    return audit(tx, actor, "registry.model.tag", name.text(),
                 {{"key", key}, {"value", value.has_value() ? Json(*value) : Json(nullptr)}});
  });
}

Result<void> ModelRegistry::remove_model(const ModelName& name, const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY(require_model(tx, name));
    const auto of_model = equal("model", name.text());
    MARTLET_TRY_SET(
        const auto live,
        tx.first<AliasRecord>(of_model && equal("alias", live_alias().text()) &&
                              metadata::not_equal("environment", Environment::Experiment)));
    if (live.has_value()) {
      return conflict(fmt::format("removing {}: its version {} is live in {}; undeploy it first",
                                  name.text(), live->version, name_of(live->environment)));
    }
    MARTLET_TRY(tx.remove_where<AliasRecord>(of_model));
    MARTLET_TRY(tx.remove_where<AttestationRecord>(of_model));
    MARTLET_TRY(tx.remove_where<VersionRecord>(of_model));
    MARTLET_TRY(tx.remove<ModelRecord>(name.text()));
    return audit(tx, actor, "registry.model.remove", name.text(), Json::object());
  });
}

Result<ModelVersion> ModelRegistry::add_version(Transaction& tx, const NewVersion& request,
                                                const Actor& actor) {
  for (const auto& [key, value] : request.tags) MARTLET_TRY(check_tag(key, value));
  if (request.model.text().empty())
    return invalid_argument("registering a version: the model has no name");
  MARTLET_TRY_SET(const bool stored, blobs_.exists(request.package));
  if (!stored) {
    return not_found(fmt::format(
        "registering a version of {}: its package {} is not in the blob store; store it first",
        request.model.text(), request.package.text()));
  }
  const Timestamp now = clock_.now();
  MARTLET_TRY_SET(std::optional<ModelRecord> model, tx.get<ModelRecord>(request.model.text()));
  if (!model.has_value()) {
    model = ModelRecord{request.model.text(), "", Json::object(), now, now, 0};
    MARTLET_TRY(audit(tx, actor, "registry.model.create", request.model.text(), Json::object()));
  }
  ++model->last_version;
  model->updated = now;
  MARTLET_TRY(tx.put(*model));
  const VersionRecord record{request.model.text(),
                             model->last_version,
                             request.package,
                             request.trained_by,
                             VersionStatus::Ready,
                             request.description,
                             json_of(request.tags),
                             now,
                             now,
                             actor.name};
  MARTLET_TRY(tx.insert(record));
  MARTLET_TRY(audit(tx, actor, "registry.version.create", to_text(request.model, {record.number}),
                    {{"package", request.package.text()}, {"run", request.trained_by.text()}}));
  return version_of(tx, record);
}

Result<ModelVersion> ModelRegistry::add_version(const NewVersion& request, const Actor& actor) {
  return database_.write([&](Transaction& tx) { return add_version(tx, request, actor); });
}

Result<ModelVersion> ModelRegistry::version(const ModelName& model, Version version) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<ModelVersion> {
    MARTLET_TRY_SET(const VersionRecord record, require_version(tx, model, version));
    return version_of(tx, record);
  });
}

Result<std::vector<ModelVersion>> ModelRegistry::versions(const ModelName& model) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::vector<ModelVersion>> {
    MARTLET_TRY(require_model(tx, model));
    return versions_where(
        tx, Query(equal("model", model.text())).order_by("number", Order::Descending));
  });
}

Result<std::vector<ModelVersion>> ModelRegistry::versions_of_run(const RunId& run) const {
  return database_.read([&](const ReadTransaction& tx) {
    return versions_where(tx, Query(equal("run", run)).order_by("model").order_by("number"));
  });
}

Result<std::vector<ModelVersion>> ModelRegistry::versions_of_package(const Digest& package) const {
  return database_.read([&](const ReadTransaction& tx) {
    return versions_where(tx,
                          Query(equal("package", package)).order_by("model").order_by("number"));
  });
}

Result<void> ModelRegistry::describe_version(const ModelName& model, Version version,
                                             const std::string& description, const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(VersionRecord record, require_version(tx, model, version));
    record.description = description;
    record.updated = clock_.now();
    MARTLET_TRY(tx.update(record));
    return audit(tx, actor, "registry.version.describe", to_text(model, version),
                 {{"description", description}});
  });
}

Result<void> ModelRegistry::tag_version(const ModelName& model, Version version,
                                        const std::string& key,
                                        const std::optional<std::string>& value,
                                        const Actor& actor) {
  MARTLET_TRY(check_tag(key, value));
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(VersionRecord record, require_version(tx, model, version));
    apply_tag(record.tags, key, value);
    record.updated = clock_.now();
    MARTLET_TRY(tx.update(record));
    return audit(tx, actor, "registry.version.tag", to_text(model, version),
                 {{"key", key}, {"value", value.has_value() ? Json(*value) : Json(nullptr)}});
  });
}

Result<void> ModelRegistry::remove_version(const ModelName& model, Version version,
                                           const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(const VersionRecord record, require_version(tx, model, version));
    MARTLET_TRY_SET(const auto alias, tx.first<AliasRecord>(equal("model", model.text()) &&
                                                            equal("version", version.number)));
    if (alias.has_value()) {
      return conflict(fmt::format(
          "removing {}: the alias {} in {} points at it; move or remove the alias first",
          to_text(model, version), alias->alias, name_of(alias->environment)));
    }
    MARTLET_TRY(tx.remove_where<AttestationRecord>(equal("model", model.text()) &&
                                                   equal("version", version.number)));
    MARTLET_TRY(tx.remove<VersionRecord>(model.text(), version.number));
    return audit(tx, actor, "registry.version.remove", to_text(model, version),
                 {{"package", record.package.text()}});
  });
}

Result<ModelVersion> ModelRegistry::resolve(std::string_view reference,
                                            Environment environment) const {
  MARTLET_TRY_SET(const ModelReference parsed, parse_model_reference(reference));
  return database_.read([&](const ReadTransaction& tx) -> Result<ModelVersion> {
    MARTLET_TRY_SET(const ModelRecord model, require_model(tx, parsed.model));
    Version wanted = parsed.version;
    if (parsed.kind == ModelReference::Kind::ByAlias) {
      MARTLET_TRY_SET(const std::optional<Version> target,
                      current_target(tx, parsed.model, environment, parsed.alias));
      if (!target.has_value()) {
        return not_found(fmt::format("{} points nowhere; `martlet models alias` sets it",
                                     subject_of(parsed.model, environment, parsed.alias)));
      }
      wanted = *target;
    } else if (parsed.kind == ModelReference::Kind::Latest) {
      MARTLET_TRY_SET(const std::optional<std::int64_t> latest,
                      tx.greatest<VersionRecord>("number", equal("model", model.name)));
      if (!latest.has_value())
        return not_found(fmt::format("the registered model {} has no versions", model.name));
      wanted = {*latest};
    }
    MARTLET_TRY_SET(const VersionRecord record, require_version(tx, parsed.model, wanted));
    return version_of(tx, record);
  });
}

Result<std::optional<ModelVersion>> ModelRegistry::target_of(const ModelName& model,
                                                             Environment environment,
                                                             const Alias& alias) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::optional<ModelVersion>> {
    MARTLET_TRY_SET(const std::optional<Version> target,
                    current_target(tx, model, environment, alias));
    if (!target.has_value()) return std::optional<ModelVersion>();
    MARTLET_TRY_SET(const VersionRecord record, require_version(tx, model, *target));
    MARTLET_TRY_SET(ModelVersion version, version_of(tx, record));
    return std::optional<ModelVersion>(std::move(version));
  });
}

Result<void> ModelRegistry::point_alias(Transaction& tx, const AliasMove& move,
                                        const std::optional<Version>& from,
                                        const Actor& actor) const {
  MARTLET_TRY_SET(const VersionRecord target, require_version(tx, move.model, move.target));
  if (target.status != VersionStatus::Ready) {
    return conflict(fmt::format("pointing {} at version {}: that version is {}",
                                subject_of(move.model, move.environment, move.alias),
                                move.target.number, name_of(target.status)));
  }
  if (from == move.target) return {};
  const std::string& model = move.model.text();
  const std::string& alias = move.alias.text();
  MARTLET_TRY(tx.put(AliasRecord{model, move.environment, alias, move.target.number}));
  const auto of_alias =
      equal("model", model) && equal("environment", move.environment) && equal("alias", alias);
  MARTLET_TRY_SET(const std::optional<std::int64_t> last,
                  tx.greatest<AliasChangeRecord>("number", of_alias));
  MARTLET_TRY(tx.insert(AliasChangeRecord{model, move.environment, alias, last.value_or(0) + 1,
                                          number_of(from), move.target.number, clock_.now(),
                                          actor.name, move.reason}));
  return audit(tx, actor, "registry.alias.move",
               subject_of(move.model, move.environment, move.alias),
               {{"from", version_json(from)}, {"to", move.target.number}, {"reason", move.reason}});
}

Result<void> ModelRegistry::move_alias(Transaction& tx, const AliasMove& move, const Actor& actor) {
  MARTLET_TRY_SET(const std::optional<Version> current,
                  current_target(tx, move.model, move.environment, move.alias));
  if (current != move.expected) {
    return conflict(fmt::format("{} points at {}, not at {}; re-read it and try again",
                                subject_of(move.model, move.environment, move.alias),
                                where_text(current), where_text(move.expected)));
  }
  return point_alias(tx, move, current, actor);
}

Result<void> ModelRegistry::move_alias(const AliasMove& move, const Actor& actor) {
  return database_.write([&](Transaction& tx) { return move_alias(tx, move, actor); });
}

Result<void> ModelRegistry::set_alias(const AliasMove& move, const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    MARTLET_TRY_SET(const std::optional<Version> current,
                    current_target(tx, move.model, move.environment, move.alias));
    return point_alias(tx, move, current, actor);
  });
}

Result<bool> ModelRegistry::remove_alias(const ModelName& model, Environment environment,
                                         const Alias& alias, const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<bool> {
    MARTLET_TRY_SET(const std::optional<Version> current,
                    current_target(tx, model, environment, alias));
    if (!current.has_value()) return false;
    MARTLET_TRY(tx.remove<AliasRecord>(model.text(), environment, alias.text()));
    const auto of_alias = equal("model", model.text()) && equal("environment", environment) &&
                          equal("alias", alias.text());
    MARTLET_TRY_SET(const std::optional<std::int64_t> last,
                    tx.greatest<AliasChangeRecord>("number", of_alias));
    MARTLET_TRY(tx.insert(AliasChangeRecord{model.text(), environment, alias.text(),
                                            last.value_or(0) + 1, current->number, std::nullopt,
                                            clock_.now(), actor.name, "removed"}));
    MARTLET_TRY(audit(tx, actor, "registry.alias.remove", subject_of(model, environment, alias),
                      {{"from", current->number}}));
    return true;
  });
}

Result<std::vector<AliasChange>> ModelRegistry::alias_history(const ModelName& model,
                                                              Environment environment,
                                                              const Alias& alias) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::vector<AliasChange>> {
    MARTLET_TRY_SET(const auto records,
                    tx.select<AliasChangeRecord>(Query(equal("model", model.text()) &&
                                                       equal("environment", environment) &&
                                                       equal("alias", alias.text()))
                                                     .order_by("number")));
    std::vector<AliasChange> changes;
    for (const AliasChangeRecord& record : records) {
      changes.push_back({record.number, version_from(record.from_version),
                         version_from(record.to_version), record.at, record.actor, record.reason});
    }
    return changes;
  });
}

Result<Attestation> ModelRegistry::attest(Transaction& tx, const ModelName& model, Version version,
                                          Attestation attestation, const Actor& actor) {
  if (!attestation.statement.is_object())
    return invalid_argument("an attestation's statement is a JSON object");
  MARTLET_TRY(require_version(tx, model, version));
  const auto of_version = equal("model", model.text()) && equal("version", version.number);
  MARTLET_TRY_SET(const std::optional<std::int64_t> last,
                  tx.greatest<AttestationRecord>("number", of_version));
  attestation.number = last.value_or(0) + 1;
  attestation.at = clock_.now();
  attestation.actor = actor.name;
  MARTLET_TRY(tx.insert(AttestationRecord{
      model.text(), version.number, attestation.number, attestation.kind, attestation.environment,
      attestation.statement, attestation.at, attestation.actor}));
  MARTLET_TRY(audit(tx, actor, "registry.version.attest", to_text(model, version),
                    {{"kind", std::string(name_of(attestation.kind))},
                     {"digest", digest_of(attestation.statement).text()}}));
  return attestation;
}

Result<Attestation> ModelRegistry::attest(const ModelName& model, Version version,
                                          Attestation attestation, const Actor& actor) {
  return database_.write(
      [&](Transaction& tx) { return attest(tx, model, version, attestation, actor); });
}

Result<std::vector<Attestation>> ModelRegistry::attestations(const ModelName& model,
                                                             Version version) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::vector<Attestation>> {
    MARTLET_TRY(require_version(tx, model, version));
    MARTLET_TRY_SET(const auto records,
                    tx.select<AttestationRecord>(
                        Query(equal("model", model.text()) && equal("version", version.number))
                            .order_by("number")));
    std::vector<Attestation> found;
    for (const AttestationRecord& record : records) {
      found.push_back({record.number, record.kind, record.environment, record.statement, record.at,
                       record.actor});
    }
    return found;
  });
}

}  // namespace martlet::registry
