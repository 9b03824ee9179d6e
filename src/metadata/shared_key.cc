#include "metadata/shared_key.h"

#include "metadata/database.h"

namespace martlet::metadata {

Result<std::string> shared_key(Database& database, const std::string& name, std::string fresh) {
  return database.write([&](Transaction& tx) -> Result<std::string> {
    MARTLET_TRY(tx.insert_if_absent(SharedKeyRecord{name, Blob{fresh}}));
    MARTLET_TRY_SET(SharedKeyRecord kept, tx.require<SharedKeyRecord>("key", name));
    return std::move(kept.bytes.bytes);
  });
}

}  // namespace martlet::metadata
