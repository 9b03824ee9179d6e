// What a migration did, and what it left.
#include "lifecycle/migrate.h"

namespace martlet::lifecycle {

namespace {

Json to_json(const metadata::TableDifference& table) {
  return Json{{"table", table.table},   {"rows", table.from.rows},
              {"added", table.missing}, {"changed", table.changed},
              {"removed", table.extra}, {"digest", table.from.digest.text()}};
}

}  // namespace

Json StorePlaces::to_json() const {
  return Json{{"records", records}, {"blobs", blobs}, {"files", files}};
}

std::int64_t MigrateReport::rows() const {
  std::int64_t all = 0;
  for (const metadata::TableDifference& table : tables) all += table.from.rows;
  return all;
}

Json MigrateReport::to_json() const {
  Json list = Json::array();
  for (const metadata::TableDifference& table : tables) list.push_back(lifecycle::to_json(table));
  Json damaged = Json::array();
  for (const Digest& digest : left_out) damaged.push_back(digest.text());
  return Json{{"dry_run", only_counted},
              {"from", from.to_json()},
              {"to", to.to_json()},
              {"as_of", to_text(as_of)},
              {"up_to_date", newer.empty()},
              {"newer", newer},
              {"rows", rows()},
              {"tables", std::move(list)},
              {"blobs", Json{{"all", blobs.all},
                             {"bytes", blobs.bytes},
                             {"copied", blobs.copied},
                             {"copied_bytes", blobs.copied_bytes},
                             {"read", blobs.read},
                             {"left_out", std::move(damaged)}}},
              {"files", Json{{"all", files.all},
                             {"bytes", files.bytes},
                             {"copied", files.copied},
                             {"copied_bytes", files.copied_bytes},
                             {"only_there", files.only_there},
                             {"removed", files.removed}}},
              {"seconds", seconds}};
}

}  // namespace martlet::lifecycle
