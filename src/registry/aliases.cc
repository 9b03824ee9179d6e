#include "metadata/database.h"
#include "registry/internal/changes.h"
#include "registry/internal/model_loading.h"
#include "registry/model_registry.h"

#include <fmt/format.h>

namespace martlet::registry {

namespace {

using metadata::equal;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

std::string subject_of(const AliasMove& move) {
  return registry::subject_of(move.model.text(), move.environment, move.alias.text());
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

// What serves can't be replaced by something that martlet can't serve.
Result<void> check_servable(const ReadTransaction& tx, const AliasMove& move,
                            const std::optional<Version>& from, const VersionRecord& target) {
  if (move.alias != live_alias() || !from.has_value() || !target.package.is_zero()) return {};
  MARTLET_TRY_SET(const auto before, tx.get<VersionRecord>(move.model.text(), from->number));
  if (!before.has_value() || before->package.is_zero()) return {};
  return conflict(fmt::format(
      "pointing {} at version {}: `live` is what martlet serves, and that version has no package, "
      "only a source; use another alias, or remove this one first",
      subject_of(move), move.target.number));
}

}  // namespace

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
    return conflict(fmt::format("pointing {} at version {}: that version is {}", subject_of(move),
                                move.target.number, name_of(target.status)));
  }
  if (from == move.target) return {};
  MARTLET_TRY(check_servable(tx, move, from, target));
  const Change change{tx, actor, clock_.now()};
  const std::string& model = move.model.text();
  const std::string& alias = move.alias.text();
  MARTLET_TRY(tx.put(AliasRecord{model, move.environment, alias, move.target.number}));
  const auto of_alias =
      equal("model", model) && equal("environment", move.environment) && equal("alias", alias);
  MARTLET_TRY_SET(const std::optional<std::int64_t> last,
                  tx.greatest<AliasChangeRecord>("number", of_alias));
  MARTLET_TRY(tx.insert(AliasChangeRecord{model, move.environment, alias, last.value_or(0) + 1,
                                          number_of(from), move.target.number, change.at,
                                          actor.name, move.reason}));
  return change.audit(
      "registry.alias.move", subject_of(move),
      {{"from", version_json(from)}, {"to", move.target.number}, {"reason", move.reason}});
}

Result<void> ModelRegistry::move_alias(Transaction& tx, const AliasMove& move, const Actor& actor) {
  MARTLET_TRY_SET(const std::optional<Version> current,
                  current_target(tx, move.model, move.environment, move.alias));
  if (current != move.expected) {
    return conflict(fmt::format("{} points at {}, not at {}; re-read it and try again",
                                subject_of(move), where_text(current), where_text(move.expected)));
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
    MARTLET_TRY(require_model(tx, model));
    MARTLET_TRY_SET(const auto record,
                    tx.get<AliasRecord>(model.text(), environment, alias.text()));
    if (!record.has_value()) return false;
    MARTLET_TRY(drop_alias(Change{tx, actor, clock_.now()}, *record, "removed"));
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

}  // namespace martlet::registry
