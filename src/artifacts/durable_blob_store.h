// artifacts/durable_blob_store.h: a blob store that outlives its processes, and what those who keep
// it healthy (verify, gc, backup) ask of one beyond BlobStore.
//
// A blob remembers when it was last put, also when it was there already: garbage collection leaves
// alone what was put a short while ago, since the record that names it may not be committed yet.
// The collection lock keeps "is it there? then mark it" and "is it unused? then remove it" of two
// processes apart. Thread-safe.
#pragma once
#include "artifacts/blob_store.h"
#include "base/time.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace martlet::artifacts {

// Held until it is destroyed.
class CollectionHold {
 public:
  virtual ~CollectionHold() = default;
};
// Takes the collection lock, shared by those who put blobs, alone by who removes them.
enum class CollectionShare : std::uint8_t { Shared, Alone };
using CollectionLock = std::function<Result<std::unique_ptr<CollectionHold>>(CollectionShare)>;

// What somebody has begun to write; its process is gone if it is old.
struct Leftover {
  std::string place;             // a file's path, an object's URL, that of an upload
  std::uint64_t size_bytes = 0;  // 0 where the server doesn't say
  Timestamp modified;
};

class DurableBlobStore : public BlobStore {
 public:
  // Where it lies, for messages, and for copying blobs back by hand. Needs no such blob.
  virtual std::string place_of(const Digest& digest) const = 0;
  // Whether that is a file of this machine.
  virtual bool is_local() const = 0;
  // When it was last put. NotFound.
  virtual Result<Timestamp> last_put(const Digest& digest) const = 0;
  // False, and nothing removed, when it was put at `since` or later, or isn't there.
  virtual Result<bool> remove_unless_put_since(const Digest& digest, Timestamp since) = 0;
  // What is being written, by processes at work too, and what killed ones left behind.
  virtual Result<std::vector<Leftover>> leftovers() const = 0;
  // Only one of leftovers(), and only when its process is gone. Fine when absent.
  virtual Result<void> remove_leftover(const Leftover& leftover) = 0;
};

}  // namespace martlet::artifacts
