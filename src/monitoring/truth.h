// monitoring/truth.h: ground truth, as it arrives: late, out of order, corrected. An accepted
// record is durable.
//
// Lifetime: one per deployment; the database must outlive it. Thread-safe.
#pragma once
#include "base/result.h"
#include "metadata/also.h"
#include "monitoring/records.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace martlet::metadata {
class Database;
}

namespace martlet::monitoring {

struct Truth {
  std::string key;
  std::optional<double> actual;  // nothing: it is known never to come
  Timestamp known_at;
};

struct AcceptedTruth {
  std::int64_t fresh = 0;
  std::int64_t corrected = 0;  // another value than before
  std::int64_t repeated = 0;   // the same as before; nothing changed
};

class TruthStore {
 public:
  TruthStore(metadata::Database& database, std::string deployment)
      : database_(database), deployment_(std::move(deployment)) {}

  // All or nothing, durable when it returns. An older record than the one kept (by known_at) is
  // ignored and counts as repeated. InvalidArgument for an empty key.
  Result<AcceptedTruth> accept(std::span<const Truth> truths, Timestamp received_at,
                               const metadata::Also<AcceptedTruth>& also = {});
  // The truth of the keys that have one.
  Result<std::map<std::string, Truth>> find(std::span<const std::string> keys) const;

 private:
  metadata::Database& database_;
  std::string deployment_;
};

}  // namespace martlet::monitoring
