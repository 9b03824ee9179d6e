#include "registry/registry_import.h"

#include "base/findings.h"
#include "metadata/database.h"
#include "registry/internal/changes.h"
#include "registry/internal/model_loading.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::registry {

namespace {

using metadata::AuditRecord;
using metadata::equal;
using metadata::Transaction;

const metadata::Actor kActor{"import"};

std::int64_t millis(Timestamp at) { return at.micros / 1000; }

// Those that our rules allow.
Texts allowed_tags(const Texts& tags, const std::string& whose, Findings& findings) {
  Texts allowed;
  for (const auto& [key, value] : tags) {
    if (const auto checked = check_tag(key, value); checked.has_value()) {
      allowed[key] = value;
    } else {
      add_finding(findings,
                  fmt::format("{} tags[{}]", whose, martlet::to_text(Json(key.substr(0, 80)))),
                  "bad_tag", checked.error().message() + "; it was left out");
    }
  }
  return allowed;
}

template <class R>
Result<std::int64_t> add_tags(Transaction& tx, R& record, const Texts& tags) {
  std::int64_t added = 0;
  for (const auto& [key, value] : tags) {
    if (record.tags.contains(key)) continue;
    MARTLET_TRY(apply_tag(tx, record, key, value));
    ++added;
  }
  return added;
}

VersionRecord record_of(const ModelVersion& theirs, const Texts& tags) {
  VersionRecord record;
  record.model = theirs.model.text();
  record.number = theirs.version.number;
  record.run = theirs.run;
  record.status = theirs.status;
  record.description = theirs.description;
  record.tags = json_of(tags);
  record.created = theirs.created;
  record.updated = theirs.updated;
  record.created_by = theirs.created_by;
  record.source = theirs.source;
  record.location = theirs.location;
  record.run_link = theirs.run_link;
  record.model_id = theirs.model_id;
  record.stage = theirs.stage;
  record.status_message = theirs.status_message;
  return record;
}

// Whether it was here, and was removed.
Result<bool> was_removed(const Transaction& tx, const std::string& subject) {
  const auto last = [&](const char* action) {
    return tx.greatest<AuditRecord>("number", equal("action", std::string(action)) &&
                                                  equal("subject", subject));
  };
  MARTLET_TRY_SET(const auto removed, last("registry.version.remove"));
  MARTLET_TRY_SET(const auto created, last("registry.version.create"));
  return removed.value_or(-1) > created.value_or(-1);
}

// One model on its way in.
class Adding {
 public:
  Adding(const Change& change, const RegisteredModel& theirs, Findings& findings)
      : change_(change), tx_(change.tx), theirs_(theirs), name_(theirs.name.text()),
        findings_(findings) {}

  Result<RegistryTally> all(const std::vector<ModelVersion>& versions) {
    MARTLET_TRY(model());
    for (const ModelVersion& version : versions) MARTLET_TRY(one(version));
    MARTLET_TRY(tx_.put(record_));
    for (const ModelAlias& alias : theirs_.aliases) MARTLET_TRY(point(alias));
    return tally_;
  }

 private:
  Result<void> model() {
    const Texts tags = allowed_tags(theirs_.tags, "model " + name_, findings_);
    MARTLET_TRY_SET(auto existing, tx_.get<ModelRecord>(name_));
    is_new_ = !existing.has_value();
    if (is_new_) {
      record_ = {name_, theirs_.description, Json::object(), theirs_.created, theirs_.updated,
                 0,     kActor.name};
      MARTLET_TRY(tx_.insert(record_));
      MARTLET_TRY(change_.audit("registry.model.create", name_, {{"imported", true}}));
      tally_.models = 1;
    } else {
      record_ = std::move(*existing);
      if (record_.last_version > 0 && millis(record_.created) != millis(theirs_.created)) {
        return conflict(fmt::format("importing model {}: there is another model of this name "
                                    "already, with versions of its own; rename one of them "
                                    "(`martlet models rename`) and import again",
                                    name_));
      }
    }
    MARTLET_TRY_SET(const std::int64_t added, add_tags(tx_, record_, tags));
    tally_.tags += added;
    return {};
  }

  Result<void> one(const ModelVersion& theirs) {
    const std::string subject = to_text(theirs.model, theirs.version);
    const Texts tags = allowed_tags(theirs.tags, "version " + subject, findings_);
    MARTLET_TRY_SET(auto existing, tx_.get<VersionRecord>(name_, theirs.version.number));
    if (existing.has_value()) {
      if (millis(existing->created) != millis(theirs.created) || existing->run != theirs.run) {
        add_finding(findings_, "version " + subject, "version_differs",
                    "there is another version of this number here, which was kept");
        return {};
      }
      MARTLET_TRY_SET(const std::int64_t added, add_tags(tx_, *existing, tags));
      if (added > 0) MARTLET_TRY(tx_.update(*existing));
      tally_.tags += added;
      return {};
    }
    MARTLET_TRY_SET(const bool removed, was_removed(tx_, subject));
    if (!is_new_ && removed) {
      add_finding(findings_, "version " + subject, "version_removed",
                  "it was removed here, and was not added again");
      return {};
    }
    const VersionRecord record = record_of(theirs, tags);
    MARTLET_TRY(tx_.insert(record));
    MARTLET_TRY(index_tags(tx_, record));
    // A source may name places that are nobody's business, and the audit log is for ever.
    MARTLET_TRY(change_.audit("registry.version.create", subject,
                              {{"run", record.run.text()},
                               {"source_digest", digest_of(record.source).text()},
                               {"imported", true}}));
    record_.last_version = std::max(record_.last_version, record.number);
    record_.updated = std::max(record_.updated, record.updated);
    ++tally_.versions;
    tally_.tags += std::ssize(tags);
    return {};
  }

  Result<void> point(const ModelAlias& theirs) {
    const std::string& alias = theirs.alias.text();
    const std::string subject = subject_of(name_, theirs.environment, alias);
    MARTLET_TRY_SET(const auto existing, tx_.get<AliasRecord>(name_, theirs.environment, alias));
    if (existing.has_value()) {
      if (existing->version != theirs.version.number) {
        add_finding(
            findings_, "alias " + subject, "alias_differs",
            fmt::format("it points at version {} there and at version {} here, which was kept",
                        theirs.version.number, existing->version));
      }
      return {};
    }
    MARTLET_TRY_SET(const bool there, tx_.exists<VersionRecord>(name_, theirs.version.number));
    if (!there) {
      add_finding(findings_, "alias " + subject, "alias_differs",
                  fmt::format("it points at version {}, which isn't here", theirs.version.number));
      return {};
    }
    const auto of_alias =
        equal("model", name_) && equal("environment", theirs.environment) && equal("alias", alias);
    MARTLET_TRY_SET(const auto last, tx_.greatest<AliasChangeRecord>("number", of_alias));
    if (!is_new_ && last.has_value()) {
      add_finding(findings_, "alias " + subject, "alias_removed",
                  "it was removed here, and was not set again");
      return {};
    }
    MARTLET_TRY(tx_.insert(AliasRecord{name_, theirs.environment, alias, theirs.version.number}));
    MARTLET_TRY(tx_.insert(AliasChangeRecord{name_, theirs.environment, alias, last.value_or(0) + 1,
                                             std::nullopt, theirs.version.number, change_.at,
                                             kActor.name, "imported"}));
    MARTLET_TRY(
        change_.audit("registry.alias.move", subject,
                      {{"from", nullptr}, {"to", theirs.version.number}, {"reason", "imported"}}));
    ++tally_.aliases;
    return {};
  }

  const Change& change_;
  Transaction& tx_;
  const RegisteredModel& theirs_;
  const std::string& name_;
  Findings& findings_;
  ModelRecord record_;
  bool is_new_ = true;
  RegistryTally tally_;
};

}  // namespace

RegistryTally& RegistryTally::operator+=(const RegistryTally& other) {
  models += other.models;
  versions += other.versions;
  aliases += other.aliases;
  tags += other.tags;
  return *this;
}

Result<RegistryTally> RegistryImporter::add(Transaction& tx, const RegisteredModel& theirs,
                                            const std::vector<ModelVersion>& versions,
                                            std::vector<Finding>& findings) const {
  const Change change{tx, kActor, clock_.now()};
  return Adding(change, theirs, findings).all(versions);
}

Result<RegistryTally> RegistryImporter::add(const RegisteredModel& theirs,
                                            const std::vector<ModelVersion>& versions,
                                            std::vector<Finding>& findings) {
  const std::size_t told = findings.size();
  std::optional<RegistryTally> rehearsed;
  auto added = database_.write([&](Transaction& tx) -> Result<RegistryTally> {
    findings.resize(told);  // what an attempt before this one has told
    rehearsed.reset();
    MARTLET_TRY_SET(const RegistryTally tally, add(tx, theirs, versions, findings));
    if (mode_ == RegistryImportMode::Write) return tally;
    rehearsed = tally;
    return fail(ErrorCode::Cancelled, "a rehearsal");  // which undoes it
  });
  if (rehearsed.has_value()) return *rehearsed;
  return added;
}

}  // namespace martlet::registry
