// data/internal/version_records.h: the tables of dataset versions.
#pragma once
#include "data/dataset_version.h"
#include "metadata/record.h"

#include <cstdint>
#include <string>

namespace martlet::metadata {
class ReadTransaction;
}

namespace martlet::data {

struct VersionRecord {
  std::string dataset;
  std::int64_t number = 0;
  Digest digest;
  std::int64_t rows = 0;
  Json schema;
  Json parts;
  Timestamp created;
  static constexpr metadata::RecordInfo kRecord{"dataset_versions", "dataset, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("dataset", self.dataset);
    field("number", self.number);
    field("digest", self.digest);
    field("rows", self.rows);
    field("schema", self.schema);
    field("parts", self.parts);
    field("created", self.created);
  }
};

struct ProvenanceRecord {
  std::string dataset;
  std::int64_t number = 0;
  Json provenance;
  static constexpr metadata::RecordInfo kRecord{"dataset_provenance", "dataset, number"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("dataset", self.dataset);
    field("number", self.number);
    field("provenance", self.provenance);
  }
};

// With its provenance. Corrupt when the records don't say what its digest says.
Result<DatasetVersion> version_of(const metadata::ReadTransaction& tx, const VersionRecord& record);

}  // namespace martlet::data
