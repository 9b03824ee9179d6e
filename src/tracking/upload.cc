#include "tracking/upload.h"

#include "metadata/database.h"
#include "tracking/internal/records.h"

#include <fmt/format.h>

namespace martlet::tracking {

namespace {

using metadata::equal;
using metadata::Query;
using metadata::ReadTransaction;
using metadata::Transaction;

}  // namespace

Result<void> begin_upload(Transaction& tx, const Upload& upload) {
  MARTLET_TRY(experiment_of(tx, upload.owner));
  return tx.insert(UploadRecord{upload.id, upload.owner.run.text(), upload.owner.model,
                                upload.owner.trace, upload.path, upload.parts, upload.started});
}

Result<Upload> find_upload(const ReadTransaction& tx, const std::string& id) {
  MARTLET_TRY_SET(const UploadRecord record, tx.require<UploadRecord>("upload", id));
  return Upload{record.id,
                {.run = RunId(record.run), .model = record.model, .trace = record.trace},
                record.path,
                record.parts,
                record.started};
}

Result<void> put_part(Transaction& tx, const std::string& upload, const UploadPart& part) {
  MARTLET_TRY_SET(const UploadRecord record, tx.require<UploadRecord>("upload", upload));
  if (part.number < 1 || part.number > record.parts) {
    return invalid_argument(fmt::format("part {} of upload {}: its parts are 1 to {}", part.number,
                                        upload, record.parts));
  }
  return tx.put(UploadPartRecord{upload, part.number, part.digest, part.size_bytes});
}

Result<std::vector<UploadPart>> parts_of(const ReadTransaction& tx, const Upload& upload) {
  MARTLET_TRY_SET(const auto records, tx.select<UploadPartRecord>(
                                          Query(equal("upload", upload.id)).order_by("number")));
  std::vector<UploadPart> parts;
  std::string missing;
  std::int64_t next = 1;
  const auto miss_until = [&](std::int64_t number) {
    for (; next < number && missing.size() < 100; ++next)
      missing += (missing.empty() ? "" : ", ") + std::to_string(next);
    next = number;
  };
  for (const UploadPartRecord& record : records) {
    miss_until(record.number);
    next = record.number + 1;
    parts.push_back({record.number, record.digest, record.size_bytes});
  }
  miss_until(upload.parts + 1);
  if (missing.empty()) return parts;
  return invalid_argument(
      fmt::format("completing upload {}: parts are missing ({}); send them, then complete again",
                  upload.id, missing));
}

Result<void> end_upload(Transaction& tx, const std::string& id) {
  MARTLET_TRY(tx.remove_where<UploadPartRecord>(equal("upload", id)));
  return tx.remove<UploadRecord>(id).map([](bool) {});
}

}  // namespace martlet::tracking
