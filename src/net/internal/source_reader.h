// net/internal/source_reader.h: a body source, read one piece ahead of what is being sent.
//
// The loop's thread owns it, but for read(): that runs on a thread of the pool between begin_read()
// and read_done(). Pieces are strings that go round: sent, given back,
// filled again.
#pragma once
#include "net/body_source.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace martlet::net {

class SourceReader {
 public:
  // Holds at most two pieces, the one being sent included.
  SourceReader(std::shared_ptr<BodySource> source, std::size_t piece_bytes);

  // False when there's no need to read now; otherwise read() must be run.
  bool begin_read();
  void read();
  bool read_done() const { return reading_ && fetched_.load(std::memory_order_acquire); }
  // Once read_done(). False when it failed.
  bool end_read();
  const Error& failure() const { return *failure_; }

  bool has_piece() const { return has_piece_; }
  std::string take_piece();
  void recycle(std::string piece) { spare_ = std::move(piece); }
  // Nothing is left to read or to take.
  bool done() const { return !has_piece_ && !reading_ && offset_ == size_bytes_; }
  std::uint64_t size_bytes() const { return size_bytes_; }
  std::uint64_t read_bytes() const { return offset_; }

 private:
  void fill();

  std::shared_ptr<BodySource> source_;
  std::size_t piece_bytes_;
  std::uint64_t size_bytes_;
  std::uint64_t offset_ = 0;  // where the next piece begins
  bool reading_ = false;
  bool has_piece_ = false;
  std::string piece_;
  std::string spare_;
  std::string incoming_;  // the pool's, while reading
  std::optional<Error> failure_;
  std::atomic<bool> fetched_{false};  // the pool hands back what is above
};

}  // namespace martlet::net
