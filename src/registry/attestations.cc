#include "metadata/database.h"
#include "registry/internal/changes.h"
#include "registry/internal/model_loading.h"
#include "registry/model_registry.h"

namespace martlet::registry {

namespace {

using metadata::equal;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

}  // namespace

Result<Attestation> ModelRegistry::attest(Transaction& tx, const ModelName& model, Version version,
                                          Attestation attestation, const Actor& actor) {
  if (!attestation.statement.is_object())
    return invalid_argument("an attestation's statement is a JSON object");
  MARTLET_TRY(require_version(tx, model, version));
  const Change change{tx, actor, clock_.now()};
  const auto of_version = equal("model", model.text()) && equal("version", version.number);
  MARTLET_TRY_SET(const std::optional<std::int64_t> last,
                  tx.greatest<AttestationRecord>("number", of_version));
  attestation.number = last.value_or(0) + 1;
  attestation.at = change.at;
  attestation.actor = actor.name;
  MARTLET_TRY(tx.insert(AttestationRecord{
      model.text(), version.number, attestation.number, attestation.kind, attestation.environment,
      attestation.statement, attestation.at, attestation.actor}));
  MARTLET_TRY(change.audit("registry.version.attest", to_text(model, version),
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
