// monitoring/prediction_log.h: what was predicted, for whom, by which version: append-only,
// checksummed segments.
//
// One segment file per UTC day and writer; no two processes share one. The entries of a flush are a
// frame: length, checksum, payload. A torn last frame (a crash) is dropped and counted when read; a
// bad frame that a sound one follows is Corrupt. append() is no acknowledged write: entries are safe once flush()
// has returned (a server calls it every 100 ms at most). Thread-safe.
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
#include <string>
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

// The key of a row as one text: the cells' texts, with what could be mistaken escaped. "" when a
// part is missing.
std::string key_text(std::span<const columns::Cell> parts);

struct PredictionLogOptions {
  std::size_t queue_limit =
      100'000;  // entries waiting for flush(); beyond it append() sheds and counts
};

class PredictionLog {
 public:
  // Makes the directory. `writer` tells this process's segments from others' (an id). `files` must
  // outlive the log.
  static Result<std::unique_ptr<PredictionLog>> open(FileSystem& files, std::string directory,
                                                     columns::Schema schema, std::string writer,
                                                     const PredictionLogOptions& options = {});

  // False when the queue is full: the entry is shed, and counted.
  bool append(Prediction prediction);
  // Writes and syncs all that waits. After a failure every later call fails: the log is fail-stop
  // until it is opened again.
  Result<void> flush();
  std::int64_t shed() const;

  const columns::Schema& schema() const { return schema_; }

 private:
  PredictionLog(FileSystem& files, std::string directory, columns::Schema schema,
                std::string writer, const PredictionLogOptions& options)
      : files_(files), directory_(std::move(directory)), schema_(std::move(schema)),
        writer_(std::move(writer)), options_(options) {}
  Result<File*> segment_of(std::int64_t day);

  FileSystem& files_;
  std::string directory_;
  columns::Schema schema_;
  std::string writer_;
  PredictionLogOptions options_;
  mutable std::mutex queue_mutex_;  // guards queue_ and shed_
  std::vector<Prediction> queue_;
  std::int64_t shed_ = 0;
  std::mutex file_mutex_;  // guards the rest; taken before queue_mutex_
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
