#include "artifacts/blob_store.h"
#include "metadata/database.h"
#include "registry/internal/changes.h"
#include "registry/internal/model_finding.h"
#include "registry/internal/model_loading.h"
#include "registry/model_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace martlet::registry {

namespace {

using metadata::equal;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

tl::unexpected<Error> taken(const ModelName& name) {
  return fail(ErrorCode::AlreadyExists,
              fmt::format("Registered Model (name={}) already exists", name.text()));
}

// The history of the old name goes on under the new one, after what a removed model of that name
// may have left.
Result<void> rename_alias_changes(Transaction& tx, const std::string& from, const std::string& to) {
  MARTLET_TRY_SET(const auto before, tx.select<AliasChangeRecord>(equal("model", to)));
  std::map<std::pair<Environment, std::string>, std::int64_t> last;
  for (const AliasChangeRecord& change : before) {
    std::int64_t& number = last[{change.environment, change.alias}];
    number = std::max(number, change.number);
  }
  MARTLET_TRY_SET(auto changes, tx.select<AliasChangeRecord>(equal("model", from)));
  MARTLET_TRY(tx.remove_where<AliasChangeRecord>(equal("model", from)));
  for (AliasChangeRecord& change : changes) {
    change.model = to;
    const auto found = last.find({change.environment, change.alias});
    if (found != last.end()) change.number += found->second;
    MARTLET_TRY(tx.insert(change));
  }
  return {};
}

}  // namespace

Result<RegisteredModel> ModelRegistry::create_model(const ModelName& name,
                                                    const std::string& description,
                                                    const Texts& tags, const Actor& actor,
                                                    const metadata::Also<RegisteredModel>& also) {
  MARTLET_TRY(check_tags(tags));
  return database_.write([&](Transaction& tx) -> Result<RegisteredModel> {
    const Change change{tx, actor, clock_.now()};
    const ModelRecord record{name.text(), description, json_of(tags), change.at,
                             change.at,   0,           actor.name};
    MARTLET_TRY_SET(const bool fresh, tx.insert_if_absent(record));
    if (!fresh) return taken(name);
    MARTLET_TRY(index_tags(tx, record));
    MARTLET_TRY(change.audit("registry.model.create", name.text(), {{"description", description}}));
    return metadata::with(tx, model_of(tx, record), also);
  });
}

Result<RegisteredModel> ModelRegistry::model(const ModelName& name) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<RegisteredModel> {
    MARTLET_TRY_SET(const ModelRecord record, require_model(tx, name));
    return model_of(tx, record);
  });
}

Result<std::vector<RegisteredModel>> ModelRegistry::models() const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::vector<RegisteredModel>> {
    MARTLET_TRY_SET(const auto records, tx.select<ModelRecord>(Query().order_by("name")));
    return models_of(tx, records);
  });
}

Result<ModelPage> ModelRegistry::search_models(const RegistrySearch& search) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<ModelPage> {
    MARTLET_TRY_SET(const auto found, find_models(tx, search));
    ModelPage page;
    MARTLET_TRY_SET(page.models, models_of(tx, found.records));
    page.next = found.next;
    return page;
  });
}

Result<RegisteredModel> ModelRegistry::describe_model(const ModelName& name,
                                                      const std::string& description,
                                                      const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<RegisteredModel> {
    const Change change{tx, actor, clock_.now()};
    MARTLET_TRY_SET(ModelRecord record, require_model(tx, name));
    record.description = description;
    record.updated = change.at;
    MARTLET_TRY(tx.update(record));
    MARTLET_TRY(
        change.audit("registry.model.describe", name.text(), {{"description", description}}));
    return model_of(tx, record);
  });
}

Result<void> ModelRegistry::tag_model(const ModelName& name, const std::string& key,
                                      const std::optional<std::string>& value, const Actor& actor) {
  MARTLET_TRY(check_tag(key, value));
  return database_.write([&](Transaction& tx) -> Result<void> {
    const Change change{tx, actor, clock_.now()};
    MARTLET_TRY_SET(ModelRecord record, require_model(tx, name));
    MARTLET_TRY(apply_tag(tx, record, key, value));
    record.updated = change.at;
    MARTLET_TRY(tx.update(record));
    return change.audit(
        "registry.model.tag", name.text(),
        {{"key", key}, {"value", value.has_value() ? Json(*value) : Json(nullptr)}});
  });
}

Result<RegisteredModel> ModelRegistry::rename_model(const ModelName& name, const ModelName& to,
                                                    const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<RegisteredModel> {
    const Change change{tx, actor, clock_.now()};
    MARTLET_TRY_SET(ModelRecord record, require_model(tx, name));
    if (to == name) return model_of(tx, record);
    MARTLET_TRY_SET(const bool there, tx.exists<ModelRecord>(to.text()));
    if (there) return taken(to);
    MARTLET_TRY(refuse_if_live(tx, name, std::nullopt,
                               fmt::format("renaming {} to {}", name.text(), to.text())));
    record.name = to.text();
    record.updated = change.at;
    MARTLET_TRY(tx.insert(record));
    const auto of_model = equal("model", name.text());
    MARTLET_TRY(tx.set_where<VersionRecord>(of_model, "updated", change.at));
    MARTLET_TRY(tx.set_where<VersionRecord>(of_model, "model", to.text()));
    MARTLET_TRY(tx.set_where<AliasRecord>(of_model, "model", to.text()));
    MARTLET_TRY(tx.set_where<AttestationRecord>(of_model, "model", to.text()));
    MARTLET_TRY(tx.set_where<ModelTagRecord>(of_model, "model", to.text()));
    MARTLET_TRY(tx.set_where<VersionTagRecord>(of_model, "model", to.text()));
    MARTLET_TRY(rename_alias_changes(tx, name.text(), to.text()));
    MARTLET_TRY(tx.remove<ModelRecord>(name.text()));
    MARTLET_TRY(change.audit("registry.model.rename", name.text(), {{"to", to.text()}}));
    return model_of(tx, record);
  });
}

Result<void> ModelRegistry::remove_model(const ModelName& name, const Actor& actor) {
  return database_.write([&](Transaction& tx) -> Result<void> {
    const Change change{tx, actor, clock_.now()};
    MARTLET_TRY(require_model(tx, name));
    MARTLET_TRY(refuse_if_live(tx, name, std::nullopt, "removing " + name.text()));
    const auto of_model = equal("model", name.text());
    MARTLET_TRY_SET(const auto aliases, tx.select<AliasRecord>(of_model));
    for (const AliasRecord& alias : aliases)
      MARTLET_TRY(drop_alias(change, alias, "the model was removed"));
    MARTLET_TRY(tx.remove_where<AttestationRecord>(of_model));
    MARTLET_TRY(tx.remove_where<VersionTagRecord>(of_model));
    MARTLET_TRY(tx.remove_where<VersionRecord>(of_model));
    MARTLET_TRY(tx.remove_where<ModelTagRecord>(of_model));
    MARTLET_TRY(tx.remove<ModelRecord>(name.text()));
    return change.audit("registry.model.remove", name.text());
  });
}

}  // namespace martlet::registry
