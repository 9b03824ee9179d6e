// lifecycle/verify.h: is everything in the store what it was when it was written?
//
// Reads the whole store and changes nothing; safe while others write (what they store meanwhile may
// be looked at or not). Called by `martlet verify`, by restore, and by crash harnesses: a store
// that came through a crash must be sound.
#pragma once
#include "artifacts/reference.h"
#include "base/cancel.h"
#include "base/json.h"
#include "base/result.h"
#include "lifecycle/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::lifecycle {

struct VerifyOptions {
  enum class Depth : std::uint8_t {
    Full,   // every blob is read and hashed, every package opened
    Quick,  // blobs are there and have their size; only manifests are read
  };
  Depth depth = Depth::Full;
  CancelToken cancel{};
};

// Something that isn't what it was, and what to do about it.
struct Damage {
  std::string rule;                            // stable: "missing_blob", "wrong_digest", …
  std::vector<artifacts::BlobHolder> objects;  // what people know it as; at least one
  std::string message;
  std::string remedy;
  std::string file;  // where it lies, if it is one
};

// A backup holds each blob at the same place below its folder as the store does.
std::string blob_remedy(const std::vector<artifacts::BlobHolder>& objects, const std::string& file);
Json to_json(const Damage& damage);

struct VerifyReport {
  std::vector<Damage> damages;
  // What isn't damage, but worth a line: interrupted runs, torn ends of logs.
  std::vector<std::string> notes;
  struct Counts {
    std::int64_t blobs = 0;  // that records refer to
    std::int64_t blob_bytes = 0;
    std::int64_t hashed = 0;  // blobs that were read and compared
    std::int64_t audit_entries = 0;
    std::int64_t segments = 0;  // of prediction logs
    std::int64_t predictions = 0;
    std::int64_t reclaimable_blobs = 0;  // that nothing refers to
    std::int64_t reclaimable_bytes = 0;
    std::int64_t leftovers = 0;  // temporary files of processes that are gone
    std::int64_t leftover_bytes = 0;
  } counts;
  double seconds = 0;

  bool sound() const { return damages.empty(); }
  // The shape of `martlet verify --json`, see docs/cli.md.
  Json to_json() const;
};

// Finds everything at once; damage is in the report, not an error. Errors: those of reading the
// directory itself, Cancelled. A store that can't be opened fails in Store::open already.
Result<VerifyReport> verify_store(const Store& store, const VerifyOptions& options = {});

}  // namespace martlet::lifecycle
