// tests/storage/ledger.h: what the workload was about to do, and what martlet acknowledged: the witness against which the
// store is checked. It lies outside of the store.
//
// One JSON object a line. "kind": "intent" (an operation begins; "n" names it, "op" says what), "ack" (it succeeded),
// "failed" (it gave an error, so it may or may not have happened), "step" and "ran" (of a pipeline run: a change of a
// step was committed; a step's function was called), "applied" and "absent" (what a check found of an operation that was
// neither acknowledged nor refused: from then on that is how it must stay). Thread-safe.
#pragma once
#include "base/json.h"
#include "base/result.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace martlet::storage {

class Ledger {
 public:
  virtual ~Ledger() = default;
  // Numbers are never given twice.
  std::int64_t begin(Json operation);
  void acknowledge(std::int64_t number, Json result = Json::object());
  void refuse(std::int64_t number, const std::string& message);
  void note(Json entry) { write(std::move(entry)); }

 protected:
  virtual void write(Json entry) = 0;
  std::atomic<std::int64_t> next_{1};
};

// In memory; each entry remembers how far the disk's log was.
class MemoryLedger : public Ledger {
 public:
  // `position` is asked at each entry.
  explicit MemoryLedger(std::function<std::size_t()> position) : position_(std::move(position)) {}
  // Entries of earlier rounds: all before the first operation.
  void continue_from(std::vector<Json> entries);
  std::vector<Json> entries() const;
  // What had been written when the disk's log had this length.
  std::vector<Json> entries_at(std::size_t position) const;

 protected:
  void write(Json entry) override;

 private:
  std::function<std::size_t()> position_;
  mutable std::mutex mutex_;  // guards entries_
  std::vector<std::pair<std::size_t, Json>> entries_;
};

// In a file: each line is handed to the kernel before the call returns, so it survives kill -9 of the process.
class FileLedger : public Ledger {
 public:
  static Result<std::unique_ptr<FileLedger>> open(const std::string& path);
  ~FileLedger() override;
  FileLedger(const FileLedger&) = delete;
  FileLedger& operator=(const FileLedger&) = delete;

 protected:
  void write(Json entry) override;

 private:
  explicit FileLedger(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// NotFound; Corrupt when a line but the last isn't JSON. A last line without its end is left out: its writer was killed.
Result<std::vector<Json>> read_ledger(const std::string& path);

}  // namespace martlet::storage
