// What to do about damage, and how a report says it.
#include "lifecycle/verify.h"

#include <fmt/format.h>

#include <algorithm>

namespace martlet::lifecycle {

namespace {

bool concerns(const std::vector<artifacts::BlobHolder>& objects, std::string_view kind) {
  return std::any_of(objects.begin(), objects.end(),
                     [&](const artifacts::BlobHolder& object) { return object.kind == kind; });
}

Json to_json(const artifacts::BlobHolder& object) {
  return Json{{"kind", object.kind}, {"name", object.name}, {"part", object.part}};
}

}  // namespace

std::string blob_remedy(const std::vector<artifacts::BlobHolder>& objects,
                        const std::string& file) {
  std::string remedy = fmt::format("copy {} from the same place in a backup", file);
  // What can be computed anew has the same digest, and so mends the blob.
  if (concerns(objects, "step output"))
    return remedy + "; or remove that file if it is there, and compute it anew: `martlet run`";
  if (concerns(objects, "dataset version"))
    return remedy + "; or remove that file if it is there, and ingest the same source again: "
                    "`martlet run --from ingest:DATASET`";
  if (concerns(objects, "model version"))
    return remedy + "; or make another version live and train this one anew";
  if (concerns(objects, "pipeline run"))
    return remedy + "; without it that run can't be resumed or reproduced";
  if (concerns(objects, "run")) return remedy + "; it can't be computed anew";
  return remedy;
}

Json to_json(const Damage& damage) {
  Json objects = Json::array();
  for (const artifacts::BlobHolder& object : damage.objects) objects.push_back(to_json(object));
  return Json{{"rule", damage.rule},
              {"objects", std::move(objects)},
              {"message", damage.message},
              {"remedy", damage.remedy},
              {"file", damage.file.empty() ? Json(nullptr) : Json(damage.file)}};
}

Json VerifyReport::to_json() const {
  Json found = Json::array();
  for (const Damage& damage : damages) found.push_back(lifecycle::to_json(damage));
  return Json{
      {"sound", sound()},
      {"damages", std::move(found)},
      {"notes", notes},
      {"blobs",
       Json{{"referenced", counts.blobs}, {"bytes", counts.blob_bytes}, {"hashed", counts.hashed}}},
      {"reclaimable", Json{{"blobs", counts.reclaimable_blobs},
                           {"blob_bytes", counts.reclaimable_bytes},
                           {"leftovers", counts.leftovers},
                           {"leftover_bytes", counts.leftover_bytes}}},
      {"audit_entries", counts.audit_entries},
      {"prediction_log", Json{{"segments", counts.segments}, {"predictions", counts.predictions}}},
      {"seconds", seconds}};
}

}  // namespace martlet::lifecycle
