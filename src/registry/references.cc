#include "registry/references.h"

#include "metadata/audit.h"
#include "metadata/database.h"
#include "registry/internal/model_loading.h"
#include "registry/internal/records.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <utility>

namespace martlet::registry {

namespace {

using metadata::equal;
using metadata::Order;
using metadata::Query;
using metadata::ReadTransaction;

constexpr const char* kVersion = "model version";
constexpr const char* kModel = "registered model";
constexpr const char* kAlias = "alias";
constexpr std::int64_t kPage = 1000;  // of the audit log

std::string version_name(const std::string& model, std::int64_t number) {
  return fmt::format("{}/{}", model, number);
}
std::string alias_name(const std::string& model, const std::string& alias,
                       Environment environment) {
  return fmt::format("{}@{} in {}", model, alias, name_of(environment));
}

// The subject after a model's renaming, if it was that model, a version or an alias of it: no name
// has a '/' or an '@'.
std::optional<std::string> renamed(const std::string& subject, const std::string& from,
                                   const std::string& to) {
  if (!subject.starts_with(from)) return std::nullopt;
  const std::string rest = subject.substr(from.size());
  if (!rest.empty() && rest.front() != '/' && rest.front() != '@') return std::nullopt;
  return to + rest;
}

// What the audit log says of the registry.
struct Audited {
  std::map<std::pair<std::string, std::string>, std::int64_t> entries;  // by action and subject
  std::set<std::string> models;                                         // made and not removed
  std::set<std::string> versions;

  std::int64_t count(const std::string& action, const std::string& subject) const {
    const auto found = entries.find({action, subject});
    return found == entries.end() ? 0 : found->second;
  }
  void add(const metadata::AuditRecord& entry) {
    if (entry.action == "registry.model.rename")
      rename(entry.subject, entry.details.value("to", std::string()));
    ++entries[{entry.action, entry.subject}];
    if (entry.action == "registry.model.create") models.insert(entry.subject);
    if (entry.action == "registry.version.create") versions.insert(entry.subject);
    if (entry.action == "registry.version.remove") versions.erase(entry.subject);
    if (entry.action != "registry.model.remove") return;
    models.erase(entry.subject);
    std::erase_if(versions, [&](const std::string& version) {
      return version.starts_with(entry.subject + "/");
    });
  }

 private:
  // What was said of the old name was said of what the new one names now.
  void rename(const std::string& from, const std::string& to) {
    std::map<std::pair<std::string, std::string>, std::int64_t> moved;
    for (const auto& [what, count] : entries)
      moved[{what.first, renamed(what.second, from, to).value_or(what.second)}] += count;
    entries = std::move(moved);
    for (std::set<std::string>* names : {&models, &versions}) {
      std::set<std::string> after;
      for (const std::string& name : *names) after.insert(renamed(name, from, to).value_or(name));
      *names = std::move(after);
    }
  }
};

Result<Audited> read_audit(const ReadTransaction& tx) {
  Audited audited;
  std::int64_t next = 1;
  for (;;) {
    MARTLET_TRY_SET(const auto page,
                    tx.select<metadata::AuditRecord>(
                        Query(metadata::at_least("number", next)).order_by("number").limit(kPage)));
    for (const metadata::AuditRecord& entry : page) audited.add(entry);
    if (static_cast<std::int64_t>(page.size()) < kPage) return audited;
    next = page.back().number + 1;
  }
}

class Checker {
 public:
  Checker(const ReadTransaction& tx, const Audited& audited) : tx_(tx), audited_(audited) {}
  std::vector<Finding> findings;

  Result<void> check_models() {
    std::set<std::string> present;
    MARTLET_TRY_SET(const auto models, tx_.select<ModelRecord>());
    for (const ModelRecord& model : models) {
      present.insert(model.name);
      require_audit(kModel, model.name, "registry.model.create", model.name, 1);
      MARTLET_TRY_SET(const auto last,
                      tx_.greatest<VersionRecord>("number", equal("model", model.name)));
      if (last.value_or(0) > model.last_version) {
        report(kModel, model.name, "wrong_number",
               fmt::format("its last number is {}, but there is version {}", model.last_version,
                           *last));
      }
    }
    report_lost(kModel, audited_.models, present);
    return {};
  }

  Result<void> check_versions() {
    std::set<std::string> present;
    MARTLET_TRY_SET(const auto versions, tx_.select<VersionRecord>());
    for (const VersionRecord& version : versions) {
      const std::string name = version_name(version.model, version.number);
      present.insert(name);
      require_audit(kVersion, name, "registry.version.create", name, 1);
      MARTLET_TRY_SET(const std::int64_t attested,
                      tx_.count<AttestationRecord>(equal("model", version.model) &&
                                                   equal("version", version.number)));
      require_audit(kVersion, name, "registry.version.attest", name, attested);
      if (version.package.is_zero() && version.source.empty())
        report(kVersion, name, "no_content", "it has neither a package nor a source");
    }
    report_lost(kVersion, audited_.versions, present);
    return {};
  }

  // Searches see the tags that the records have.
  Result<void> check_tags() {
    std::map<std::string, Texts> of_models;
    MARTLET_TRY_SET(const auto model_tags, tx_.select<ModelTagRecord>());
    for (const ModelTagRecord& tag : model_tags) of_models[tag.model][tag.key] = tag.value;
    MARTLET_TRY_SET(const auto models, tx_.select<ModelRecord>());
    for (const ModelRecord& model : models) {
      if (texts_of(model.tags) != of_models[model.name]) report_tags(kModel, model.name);
    }
    std::map<std::string, Texts> of_versions;
    MARTLET_TRY_SET(const auto version_tags, tx_.select<VersionTagRecord>());
    for (const VersionTagRecord& tag : version_tags)
      of_versions[version_name(tag.model, tag.version)][tag.key] = tag.value;
    MARTLET_TRY_SET(const auto versions, tx_.select<VersionRecord>());
    for (const VersionRecord& version : versions) {
      const std::string name = version_name(version.model, version.number);
      if (texts_of(version.tags) != of_versions[name]) report_tags(kVersion, name);
    }
    return {};
  }

  Result<void> check_aliases() {
    MARTLET_TRY_SET(const auto aliases, tx_.select<AliasRecord>());
    for (const AliasRecord& alias : aliases) {
      const std::string name = alias_name(alias.model, alias.alias, alias.environment);
      MARTLET_TRY_SET(const bool there, tx_.exists<VersionRecord>(alias.model, alias.version));
      if (!there) {
        report(kAlias, name, "dangling_alias",
               fmt::format("it points at version {}, which isn't there", alias.version));
      }
      MARTLET_TRY_SET(const auto last,
                      tx_.first<AliasChangeRecord>(Query(equal("model", alias.model) &&
                                                         equal("environment", alias.environment) &&
                                                         equal("alias", alias.alias))
                                                       .order_by("number", Order::Descending)));
      if (!last.has_value() || last->to_version != alias.version) {
        report(kAlias, name, "wrong_alias",
               fmt::format("it points at version {}, its history ends elsewhere", alias.version));
      }
    }
    return {};
  }

  Result<void> check_alias_changes() {
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> changes;  // moves, removals
    MARTLET_TRY_SET(const auto records, tx_.select<AliasChangeRecord>());
    for (const AliasChangeRecord& change : records) {
      auto& counts = changes[alias_name(change.model, change.alias, change.environment)];
      ++(change.to_version.has_value() ? counts.first : counts.second);
    }
    for (const auto& [name, counts] : changes) {
      require_audit(kAlias, name, "registry.alias.move", name, counts.first);
      require_audit(kAlias, name, "registry.alias.remove", name, counts.second);
    }
    return {};
  }

 private:
  void report(std::string_view kind, const std::string& name, std::string_view rule,
              std::string message) {
    Finding finding;
    finding.path = fmt::format("{} {}", kind, name);
    finding.rule = rule;
    finding.message = std::move(message);
    findings.push_back(std::move(finding));
  }
  void report_tags(std::string_view kind, const std::string& name) {
    report(kind, name, "wrong_tags", "searches see other tags than it has");
  }
  void require_audit(std::string_view kind, const std::string& name, const std::string& action,
                     const std::string& subject, std::int64_t wanted) {
    const std::int64_t found = audited_.count(action, subject);
    if (found >= wanted) return;
    report(kind, name, "not_audited",
           fmt::format("the audit log has {} entries {} of it, {} are due", found, action, wanted));
  }
  void report_lost(std::string_view kind, const std::set<std::string>& audited,
                   const std::set<std::string>& present) {
    for (const std::string& name : audited) {
      if (present.contains(name)) continue;
      report(kind, name, "lost_record",
             "the audit log says that it was made and not removed, but there is no record of it");
    }
  }

  const ReadTransaction& tx_;
  const Audited& audited_;
};

}  // namespace

Result<void> add_references(const ReadTransaction& tx, artifacts::BlobReferences& found) {
  MARTLET_TRY_SET(const auto versions, tx.select<VersionRecord>());
  for (const VersionRecord& version : versions) {
    if (version.package.is_zero()) continue;
    found.blobs.push_back({version.package,
                           artifacts::BlobContent::Manifest,
                           {kVersion, version_name(version.model, version.number), "package"}});
  }
  return {};
}

Result<std::vector<Finding>> check_records(const ReadTransaction& tx) {
  MARTLET_TRY_SET(const Audited audited, read_audit(tx));
  Checker checker(tx, audited);
  MARTLET_TRY(checker.check_models());
  MARTLET_TRY(checker.check_versions());
  MARTLET_TRY(checker.check_tags());
  MARTLET_TRY(checker.check_aliases());
  MARTLET_TRY(checker.check_alias_changes());
  return std::move(checker.findings);
}

}  // namespace martlet::registry
