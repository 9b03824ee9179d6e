// features/lookup_table.h: a dataset arranged for point-in-time look-ups: what was valid, and
// known, for this key at that moment?
//
// Immutable once built and shared by threads (std::shared_ptr<const LookupTable>). Training,
// simulation and serving call the same find(), serving with the request's decided_at, so a value of
// the future can't slip in anywhere.
#pragma once
#include "columns/batch.h"
#include "features/config.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace martlet::features {

class LookupTable {
  struct Private {
    explicit Private() = default;
  };

 public:
  explicit LookupTable(Private) {}  // for build()

  // Reads key, at, known_at and the features of `rows`. at and known_at are timestamps (or dates:
  // their midnight in `zone`). Rows without a key, at, or known_at are left out and counted.
  // `version` names what was read, for logs. InvalidArgument lists every column that is missing or
  // of a type that can't be used. O(n log n).
  static Result<std::shared_ptr<const LookupTable>> build(const LookupConfig& config,
                                                          const columns::Batch& rows,
                                                          std::string version, const Zone& zone);

  // The row (an index for feature() and at()) with this key and the latest `at` <= decided_at among
  // those with known_at <= decided_at; of several with the same `at`, the one known last, then the
  // one that came last in the dataset. None when there's none, when it's older than max_age, or
  // when a key cell is missing. `key` is in the order of config.keys, of the types of key_types()
  // (integer and number are compared by value). Doesn't allocate. O(log n) of the key's rows when
  // known_at never falls as at rises; else in addition the rows not yet known that are passed over.
  std::optional<std::uint32_t> find(std::span<const columns::Cell> key, Timestamp decided_at) const;

  const LookupConfig& config() const { return config_; }
  const std::string& version() const { return version_; }
  std::size_t rows() const { return at_.size(); }
  std::size_t left_out() const { return left_out_; }
  std::vector<columns::Type> key_types() const;
  // In the order of config().features.
  const columns::Column& feature(std::size_t i) const { return features_[i]; }
  columns::Type feature_type(std::size_t i) const { return features_[i].type(); }
  Timestamp at(std::uint32_t row) const { return {at_[row]}; }
  Timestamp known_at(std::uint32_t row) const {
    return {known_at_.empty() ? at_[row] : known_at_[row]};
  }

 private:
  struct Group {  // the rows of one key, sorted by (at, known_at, place in the dataset)
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool known_in_order = true;
  };
  const Group* group_of(std::span<const columns::Cell> key) const;

  LookupConfig config_;
  std::string version_;
  std::size_t left_out_ = 0;
  std::vector<columns::Column> keys_;  // in sorted order, as all that follow
  std::vector<columns::Column> features_;
  std::vector<std::int64_t> at_;
  std::vector<std::int64_t> known_at_;  // empty: the same as at_
  std::vector<Group> groups_;
  std::vector<std::uint32_t>
      slots_;  // open addressing: index of a group + 1, 0 is free; a power of two
};

// By the name of the look-up.
using Lookups = std::map<std::string, std::shared_ptr<const LookupTable>>;

}  // namespace martlet::features
