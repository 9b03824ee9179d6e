#include "artifacts/blob_store.h"
#include "metadata/database.h"
#include "registry/internal/changes.h"
#include "registry/internal/model_finding.h"
#include "registry/internal/model_loading.h"
#include "registry/model_registry.h"

#include <fmt/format.h>

namespace martlet::registry {

namespace {

using metadata::equal;
using metadata::Order;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

Result<std::vector<ModelVersion>> versions_where(const ReadTransaction& tx, const Query& query) {
  MARTLET_TRY_SET(const auto records, tx.select<VersionRecord>(query));
  return versions_of(tx, records);
}

// What is to be said of a source is its digest: it may name places that are nobody's business, and
// the audit log is for ever.
Json creation_details(const VersionRecord& record, const NewVersion& request) {
  Json details{{"run", record.run.text()}};
  if (!record.package.is_zero()) details["package"] = record.package.text();
  if (!record.source.empty()) details["source_digest"] = digest_of(record.source).text();
  if (request.copied_from.has_value())
    details["copied_from"] = to_text(request.copied_from->model, request.copied_from->version);
  return details;
}

Result<void> check_request(const NewVersion& request) {
  MARTLET_TRY(check_tags(request.tags));
  if (request.model.text().empty())
    return invalid_argument("registering a version: the model has no name");
  if (!request.package.is_zero() || !request.source.empty() || request.copied_from.has_value())
    return {};
  return invalid_argument(
      fmt::format("registering a version of {}: it has neither a package nor a source; say where "
                  "its files are",
                  request.model.text()));
}

// The model's record, with the new version counted.
Result<ModelRecord> count_version(const Change& change, const NewVersion& request) {
  const std::string& name = request.model.text();
  MARTLET_TRY_SET(std::optional<ModelRecord> model, change.tx.get<ModelRecord>(name));
  if (!model.has_value()) {
    if (request.unknown_model == UnknownModel::Refuse)
      MARTLET_TRY(require_model(change.tx, request.model));
    model = ModelRecord{name, "", Json::object(), change.at, change.at, 0, change.actor.name};
    MARTLET_TRY(change.audit("registry.model.create", name));
  }
  ++model->last_version;
  model->updated = change.at;
  MARTLET_TRY(change.tx.put(*model));
  return std::move(*model);
}

VersionRecord record_of(const NewVersion& request, std::int64_t number, const Change& change) {
  VersionRecord record;
  record.model = request.model.text();
  record.number = number;
  record.package = request.package;
  record.run = request.trained_by;
  record.description = request.description;
  record.tags = json_of(request.tags);
  record.created = change.at;
  record.updated = change.at;
  record.created_by = change.actor.name;
  record.source = request.source;
  record.location = request.location;
  record.run_link = request.run_link;
  record.model_id = request.model_id;
  return record;
}

// Who attested what, and when, is as true of the copy.
Result<void> copy_attestations(const Change& change, const VersionRecord& from,
                               const VersionRecord& to) {
  MARTLET_TRY_SET(
      auto attestations,
      change.tx.select<AttestationRecord>(
          Query(equal("model", from.model) && equal("version", from.number)).order_by("number")));
  for (AttestationRecord& attestation : attestations) {
    attestation.model = to.model;
    attestation.version = to.number;
    MARTLET_TRY(change.tx.insert(attestation));
    MARTLET_TRY(change.audit("registry.version.attest", fmt::format("{}/{}", to.model, to.number),
                             {{"kind", std::string(name_of(attestation.kind))},
                              {"digest", digest_of(attestation.statement).text()},
                              {"copied_from", fmt::format("{}/{}", from.model, from.number)}}));
  }
  return {};
}

}  // namespace

Result<ModelVersion> ModelRegistry::add_version(Transaction& tx, const NewVersion& request,
                                                const Actor& actor) {
  MARTLET_TRY(check_request(request));
  const Change change{tx, actor, clock_.now()};
  std::optional<VersionRecord> original;
  NewVersion wanted = request;
  if (request.copied_from.has_value()) {
    const VersionName& from = *request.copied_from;
    MARTLET_TRY_SET(original, require_version(tx, from.model, from.version));
    wanted.package = original->package;
    wanted.location = original->location.empty() ? original->source : original->location;
    if (wanted.source.empty()) wanted.source = "models:/" + to_text(from.model, from.version);
  }
  if (!wanted.package.is_zero()) {
    MARTLET_TRY_SET(const bool stored, blobs_.exists(wanted.package));
    if (!stored) {
      return not_found(fmt::format(
          "registering a version of {}: its package {} is not in the blob store; store it first",
          wanted.model.text(), wanted.package.text()));
    }
  }
  MARTLET_TRY_SET(const ModelRecord model, count_version(change, wanted));
  const VersionRecord record = record_of(wanted, model.last_version, change);
  MARTLET_TRY(tx.insert(record));
  MARTLET_TRY(index_tags(tx, record));
  MARTLET_TRY(change.audit("registry.version.create", to_text(wanted.model, {record.number}),
                           creation_details(record, wanted)));
  if (original.has_value()) MARTLET_TRY(copy_attestations(change, *original, record));
  return version_of(tx, record);
}

Result<ModelVersion> ModelRegistry::add_version(const NewVersion& request, const Actor& actor,
                                                const metadata::Also<ModelVersion>& also) {
  return database_.write(
      [&](Transaction& tx) { return metadata::with(tx, add_version(tx, request, actor), also); });
}

Result<ModelVersion> ModelRegistry::copy_version(const VersionName& from, const ModelName& to,
                                                 const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<ModelVersion> {
    MARTLET_TRY_SET(const VersionRecord original, require_version(tx, from.model, from.version));
    NewVersion copy;
    copy.model = to;
    copy.trained_by = original.run;
    copy.description = original.description;
    copy.tags = texts_of(original.tags);
    copy.run_link = original.run_link;
    copy.model_id = original.model_id;
    copy.copied_from = from;
    return add_version(tx, copy, actor);
  });
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

Result<VersionPage> ModelRegistry::search_versions(const RegistrySearch& search) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<VersionPage> {
    MARTLET_TRY_SET(const auto found, find_versions(tx, search));
    VersionPage page;
    MARTLET_TRY_SET(page.versions, versions_of(tx, found.records));
    page.next = found.next;
    return page;
  });
}

Result<ModelVersion> ModelRegistry::describe_version(const ModelName& model, Version version,
                                                     const std::string& description,
                                                     const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<ModelVersion> {
    const Change change{tx, actor, clock_.now()};
    MARTLET_TRY_SET(VersionRecord record, require_version(tx, model, version));
    record.description = description;
    record.updated = change.at;
    MARTLET_TRY(tx.update(record));
    MARTLET_TRY(touch_model(change, record.model));
    MARTLET_TRY(change.audit("registry.version.describe", to_text(model, version),
                             {{"description", description}}));
    return version_of(tx, record);
  });
}

Result<void> ModelRegistry::tag_version(const ModelName& model, Version version,
                                        const std::string& key,
                                        const std::optional<std::string>& value,
                                        const Actor& actor) {
  MARTLET_TRY(check_tag(key, value));
  return database_.write([&](Transaction& tx) -> Result<void> {
    const Change change{tx, actor, clock_.now()};
    MARTLET_TRY_SET(VersionRecord record, require_version(tx, model, version));
    MARTLET_TRY(apply_tag(tx, record, key, value));
    record.updated = change.at;
    MARTLET_TRY(tx.update(record));
    MARTLET_TRY(touch_model(change, record.model));
    return change.audit(
        "registry.version.tag", to_text(model, version),
        {{"key", key}, {"value", value.has_value() ? Json(*value) : Json(nullptr)}});
  });
}

Result<void> ModelRegistry::remove_version(const ModelName& model, Version version,
                                           const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    const Change change{tx, actor, clock_.now()};
    MARTLET_TRY_SET(const VersionRecord record, require_version(tx, model, version));
    MARTLET_TRY(refuse_if_live(tx, model, version, "removing " + to_text(model, version)));
    const auto of_model = equal("model", model.text());
    const auto of_version = of_model && equal("version", version.number);
    MARTLET_TRY_SET(const auto aliases, tx.select<AliasRecord>(of_version));
    for (const AliasRecord& alias : aliases)
      MARTLET_TRY(drop_alias(change, alias, "the version was removed"));
    MARTLET_TRY(tx.remove_where<AttestationRecord>(of_version));
    MARTLET_TRY(tx.remove_where<VersionTagRecord>(of_version));
    MARTLET_TRY(tx.remove<VersionRecord>(model.text(), version.number));
    MARTLET_TRY(touch_model(change, model.text()));
    Json details = Json::object();
    if (!record.package.is_zero()) details["package"] = record.package.text();
    return change.audit("registry.version.remove", to_text(model, version), std::move(details));
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
        return not_found(
            fmt::format("{} points nowhere; `martlet models alias` sets it",
                        subject_of(parsed.model.text(), environment, parsed.alias.text())));
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

}  // namespace martlet::registry
