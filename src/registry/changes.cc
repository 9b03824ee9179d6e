#include "registry/internal/changes.h"

#include "base/text.h"
#include "registry/internal/model_loading.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::registry {

namespace {

using metadata::equal;
using metadata::ReadTransaction;
using metadata::Transaction;

constexpr std::size_t kMaxTagKey = 250;        // characters
constexpr std::size_t kMaxTagValue = 100'000;  // characters
constexpr std::size_t kBriefBytes = 128;

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

void set_tag(Json& tags, const std::string& key, const std::optional<std::string>& value) {
  if (value.has_value()) {
    tags[key] = *value;
  } else {
    tags.erase(key);
  }
}

}  // namespace

Result<void> Change::audit(std::string action, std::string subject, Json details) const {
  MARTLET_TRY(metadata::append_audit(tx, at, actor,
                                     {std::move(action), std::move(subject), std::move(details)}));
  return {};
}

Result<void> check_tag(const std::string& key, const std::optional<std::string>& value) {
  if (key.empty() || character_count(key) > kMaxTagKey)
    return invalid_argument(fmt::format("a tag's key has 1 to {} characters", kMaxTagKey));
  if (!is_valid_utf8(key) || (value.has_value() && !is_valid_utf8(*value)))
    return invalid_argument("a tag's key and value are UTF-8 texts");
  if (value.has_value() && character_count(*value) > kMaxTagValue) {
    return invalid_argument(fmt::format("the value of tag {} has {} characters, {} are allowed",
                                        key, character_count(*value), kMaxTagValue));
  }
  return {};
}

Result<void> check_tags(const Texts& tags) {
  for (const auto& [key, value] : tags) MARTLET_TRY(check_tag(key, value));
  return {};
}

std::string brief_of(const std::string& value) {
  std::size_t end = std::min(value.size(), kBriefBytes);
  // Not within a character.
  while (end > 0 && end < value.size() && !begins_character(value[end])) --end;
  return value.substr(0, end);
}

Result<void> apply_tag(Transaction& tx, ModelRecord& record, const std::string& key,
                       const std::optional<std::string>& value) {
  set_tag(record.tags, key, value);
  if (value.has_value()) return tx.put(ModelTagRecord{record.name, key, brief_of(*value), *value});
  MARTLET_TRY(tx.remove<ModelTagRecord>(record.name, key));
  return {};
}

Result<void> apply_tag(Transaction& tx, VersionRecord& record, const std::string& key,
                       const std::optional<std::string>& value) {
  set_tag(record.tags, key, value);
  if (value.has_value()) {
    return tx.put(VersionTagRecord{record.model, record.number, key, brief_of(*value), *value});
  }
  MARTLET_TRY(tx.remove<VersionTagRecord>(record.model, record.number, key));
  return {};
}

Result<void> index_tags(Transaction& tx, const ModelRecord& record) {
  for (const auto& [key, value] : texts_of(record.tags))
    MARTLET_TRY(tx.put(ModelTagRecord{record.name, key, brief_of(value), value}));
  return {};
}

Result<void> index_tags(Transaction& tx, const VersionRecord& record) {
  for (const auto& [key, value] : texts_of(record.tags))
    MARTLET_TRY(tx.put(VersionTagRecord{record.model, record.number, key, brief_of(value), value}));
  return {};
}

Result<void> touch_model(const Change& change, const std::string& model) {
  MARTLET_TRY(change.tx.set_where<ModelRecord>(equal("name", model), "updated", change.at));
  return {};
}

Result<void> refuse_if_live(const ReadTransaction& tx, const ModelName& model,
                            const std::optional<Version>& version, std::string_view attempt) {
  MARTLET_TRY_SET(const auto aliases, tx.select<AliasRecord>(equal("model", model.text()) &&
                                                             equal("alias", live_alias().text())));
  for (const AliasRecord& alias : aliases) {
    if (version.has_value() && version->number != alias.version) continue;
    MARTLET_TRY_SET(const auto target, tx.get<VersionRecord>(alias.model, alias.version));
    if (!target.has_value() || target->package.is_zero()) continue;
    return conflict(fmt::format(
        "{}: {} is live in {}, and a server may be answering with it; make another version live "
        "there (`martlet models promote`), or take the alias away (`martlet models alias {} {} "
        "--remove --env {}`), then try again",
        attempt, to_text(model, {alias.version}), name_of(alias.environment), model.text(),
        alias.alias, name_of(alias.environment)));
  }
  return {};
}

Result<void> drop_alias(const Change& change, const AliasRecord& alias, const std::string& reason) {
  MARTLET_TRY(change.tx.remove<AliasRecord>(alias.model, alias.environment, alias.alias));
  MARTLET_TRY_SET(
      const std::optional<std::int64_t> last,
      change.tx.greatest<AliasChangeRecord>("number", equal("model", alias.model) &&
                                                          equal("environment", alias.environment) &&
                                                          equal("alias", alias.alias)));
  MARTLET_TRY(change.tx.insert(AliasChangeRecord{alias.model, alias.environment, alias.alias,
                                                 last.value_or(0) + 1, alias.version, std::nullopt,
                                                 change.at, change.actor.name, reason}));
  return change.audit("registry.alias.remove",
                      subject_of(alias.model, alias.environment, alias.alias),
                      {{"from", alias.version}, {"reason", reason}});
}

std::string subject_of(const std::string& model, Environment environment,
                       const std::string& alias) {
  return fmt::format("{}@{} in {}", model, alias, name_of(environment));
}

}  // namespace martlet::registry
