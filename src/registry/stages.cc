#include "metadata/database.h"
#include "registry/internal/changes.h"
#include "registry/internal/model_loading.h"
#include "registry/model_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace martlet::registry {

namespace {

using metadata::equal;
using metadata::Order;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

constexpr std::array kStages{Stage::None, Stage::Staging, Stage::Production, Stage::Archived};

Result<void> enter_stage(const Change& change, VersionRecord& record, Stage stage) {
  const Stage before = record.stage;
  record.stage = stage;
  record.updated = change.at;
  MARTLET_TRY(change.tx.update(record));
  return change.audit(
      "registry.version.stage", fmt::format("{}/{}", record.model, record.number),
      {{"from", std::string(name_of(before))}, {"to", std::string(name_of(stage))}});
}

}  // namespace

Result<ModelVersion> ModelRegistry::set_stage(const ModelName& model, Version version, Stage stage,
                                              OthersInStage others, const Actor& actor) {
  const bool active = stage == Stage::Staging || stage == Stage::Production;
  if (others == OthersInStage::Archive && !active) {
    return invalid_argument(
        fmt::format("moving {} to stage {}: the other versions of a stage can be archived only "
                    "when it is Staging or Production; leave archive_existing_versions false",
                    to_text(model, version), name_of(stage)));
  }
  return database_.write([&](Transaction& tx) -> Result<ModelVersion> {
    const Change change{tx, actor, clock_.now()};
    MARTLET_TRY_SET(VersionRecord record, require_version(tx, model, version));
    if (others == OthersInStage::Archive) {
      MARTLET_TRY_SET(auto there, tx.select<VersionRecord>(
                                      equal("model", model.text()) && equal("stage", stage) &&
                                      metadata::not_equal("number", version.number)));
      for (VersionRecord& other : there) MARTLET_TRY(enter_stage(change, other, Stage::Archived));
    }
    MARTLET_TRY(enter_stage(change, record, stage));
    MARTLET_TRY(touch_model(change, record.model));
    return version_of(tx, record);
  });
}

Result<std::vector<ModelVersion>>
ModelRegistry::latest_versions(const ModelName& model, const std::vector<Stage>& stages) const {
  return database_.read([&](const ReadTransaction& tx) -> Result<std::vector<ModelVersion>> {
    MARTLET_TRY(require_model(tx, model));
    std::vector<VersionRecord> records;
    for (const Stage stage : kStages) {
      const bool wanted =
          stages.empty() || std::find(stages.begin(), stages.end(), stage) != stages.end();
      if (!wanted) continue;
      MARTLET_TRY_SET(auto newest, tx.first<VersionRecord>(
                                       Query(equal("model", model.text()) && equal("stage", stage))
                                           .order_by("number", Order::Descending)));
      if (newest.has_value()) records.push_back(std::move(*newest));
    }
    return versions_of(tx, records);
  });
}

}  // namespace martlet::registry
