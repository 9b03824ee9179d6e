// monitoring/prediction_log.h: what was predicted, for whom, by which version: append-only,
// checksummed segments.
//
// One segment file per UTC day and writer; no two processes share one. Each entry is a frame:
// length, checksum, payload. A torn end (a crash: a last frame that isn't whole, or a last flush of
// which some sectors never arrived) is dropped and counted when read; any other bad frame is
// Corrupt. append() is no acknowledged write: entries are safe once flush()
// has returned (a server calls it every 100 ms at most). Thread-safe; append() takes no lock.
#pragma once
#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "columns/cell.h"
#include "columns/schema.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::monitoring {

struct Prediction {
  std::string id;            // returned to the caller
  std::string key;           // joins the truth later; "" when the request named none
  Timestamp at;              // when it was decided, by the calendar
  std::int64_t version = 0;  // of the model that answered
  double score = 0;
  double predicted = 0;  // the decision (0 or 1), or the number
  std::int64_t latency_micros = 0;
  bool failed = false;  // no answer was given; score and predicted mean nothing
  columns::Row row;     // the raw row, in the order of the log's schema
};

// The same without ownership, for append(): on the way of a request nothing is copied but into the
// log.
struct PredictionView {
  std::string_view id;
  std::span<const columns::Cell> key;  // its parts; a missing one makes it unknown, as key_text()
  Timestamp at;
  std::int64_t version = 0;
  double score = 0;
  double predicted = 0;
  std::int64_t latency_micros = 0;
  bool failed = false;
  std::span<const columns::Cell> row;
};

// The key of a row as one text: the cells' texts, with what could be mistaken escaped. "" when a
// part is missing.
std::string key_text(std::span<const columns::Cell> parts);

struct PredictionLogOptions {
  std::size_t queue_limit =
      100'000;  // entries waiting for flush(); beyond it append() sheds and counts
  std::size_t queue_bytes = std::size_t{64} << 20;  // of them; beyond it, too
};

class LogQueue;

class PredictionLog {
 public:
  // Makes the directory. `writer` tells this process's segments from others' (an id). `files` must
  // outlive the log.
  static Result<std::unique_ptr<PredictionLog>> open(FileSystem& files, std::string directory,
                                                     columns::Schema schema, std::string writer,
                                                     const PredictionLogOptions& options = {});

  ~PredictionLog();
  PredictionLog(const PredictionLog&) = delete;
  PredictionLog& operator=(const PredictionLog&) = delete;

  // False when the queue is full: the entry is shed, and counted. Entries of one thread stay in
  // their order as long as no more than 32 threads append.
  bool append(const PredictionView& entry);
  bool append(const Prediction& entry);
  // Writes and syncs all that waits. After a failure every later call fails: the log is fail-stop
  // until it is opened again.
  Result<void> flush();
  std::int64_t shed() const;

  const columns::Schema& schema() const { return schema_; }

 private:
  PredictionLog(FileSystem& files, std::string directory, columns::Schema schema,
                std::string writer, const PredictionLogOptions& options);
  Result<File*> segment_of(std::int64_t day);
  Result<void> write(std::string_view frames, std::int64_t day, std::vector<File*>& touched);

  FileSystem& files_;
  std::string directory_;
  columns::Schema schema_;
  std::string writer_;
  std::unique_ptr<LogQueue> queue_;
  std::mutex file_mutex_;                               // guards the rest; append() never takes it
  std::map<std::int64_t, std::unique_ptr<File>> open_;  // by day; at most a few
  bool failed_ = false;
};

struct ReadCounts {
  std::int64_t entries = 0;
  std::int64_t torn_bytes = 0;  // at the ends of segments, from crashes
};

// Hands over every entry with begin <= at < end, segment by segment in the order of their names.
// NotFound when there is no such directory; Corrupt names segment and offset; an error of `each`
// ends it.
Result<ReadCounts>
read_predictions(FileSystem& files, const std::string& directory, Timestamp begin, Timestamp end,
                 const std::function<Result<void>(const columns::Schema&, Prediction)>& each);

}  // namespace martlet::monitoring
