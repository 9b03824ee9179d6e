#include "monitoring/truth.h"

#include "metadata/database.h"

namespace martlet::monitoring {

namespace {
constexpr std::size_t kKeysAtOnce = 500;  // a condition's list has a limit
}  // namespace

Result<AcceptedTruth> TruthStore::accept(std::span<const Truth> truths, Timestamp received_at,
                                         const metadata::Also<AcceptedTruth>& also) {
  for (std::size_t i = 0; i < truths.size(); ++i) {
    if (truths[i].key.empty()) {
      return invalid_argument("accepting ground truth: record " + std::to_string(i + 1) +
                              " has no key; every record names problem.key");
    }
  }
  return database_.write([&](metadata::Transaction& tx) -> Result<AcceptedTruth> {
    AcceptedTruth counts;
    for (const Truth& truth : truths) {
      TruthRecord record{deployment_, truth.key, truth.actual, truth.known_at, received_at, 1};
      MARTLET_TRY_SET(const bool inserted, tx.insert_if_absent(record));
      if (inserted) {
        ++counts.fresh;
        continue;
      }
      MARTLET_TRY_SET(const TruthRecord before,
                      tx.require<TruthRecord>("truth", deployment_, truth.key));
      if (before.actual == truth.actual || truth.known_at < before.known_at) {
        ++counts.repeated;
        continue;
      }
      record.revision = before.revision + 1;
      MARTLET_TRY(tx.update(record));
      ++counts.corrected;
    }
    return metadata::with<AcceptedTruth>(tx, counts, also);
  });
}

Result<std::map<std::string, Truth>> TruthStore::find(std::span<const std::string> keys) const {
  return database_.read(
      [&](const metadata::ReadTransaction& tx) -> Result<std::map<std::string, Truth>> {
        std::map<std::string, Truth> found;
        for (std::size_t begin = 0; begin < keys.size(); begin += kKeysAtOnce) {
          const auto part = keys.subspan(begin, std::min(kKeysAtOnce, keys.size() - begin));
          MARTLET_TRY_SET(const std::vector<TruthRecord> records,
                          tx.select<TruthRecord>(metadata::equal("deployment", deployment_) &&
                                                 metadata::in("key", part)));
          for (const TruthRecord& record : records)
            found[record.key] = {record.key, record.actual, record.known_at};
        }
        return found;
      });
}

}  // namespace martlet::monitoring
