// metadata/shared_key.h: random bytes that all processes on a store share, such as the key that
// signs page tokens: what one server gave out the next one understands.
//
// Kept in the store as they are: they protect against forging by clients, not against whoever can
// read the store. Free functions; thread-safe.
#pragma once
#include "base/result.h"
#include "metadata/record.h"

#include <string>

namespace martlet::metadata {

class Database;

struct SharedKeyRecord {
  std::string name;
  Blob bytes;
  static constexpr RecordInfo kRecord{"shared_keys", "name"};
  template <class Self, class Field>
  static void describe(Self& self, Field&& field) {
    field("name", self.name);
    field("bytes", self.bytes);
  }
};

// The key of that name; `fresh` becomes it when there is none yet.
Result<std::string> shared_key(Database& database, const std::string& name, std::string fresh);

}  // namespace martlet::metadata
