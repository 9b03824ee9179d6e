// net/internal/body_pipe.h: the window between a loop that receives a body and a handler that reads
// it: a ring of bytes with one writer and one reader.
//
// Bytes go from the socket into the ring, and the reader sees them there: nothing is copied. The
// reader waits for bytes; the loop never waits, it is told when there is room again. Thread-safe
// for one thread on each side. Made per streamed request, by its connection.
#pragma once
#include "base/result.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

namespace martlet::net {

class BodyPipe {
 public:
  // At least one byte each; take() gives at most a piece.
  BodyPipe(std::size_t capacity_bytes, std::size_t piece_bytes);

  // The loop's side. False: full; then release() will say when the loop should go on.
  bool has_room();
  // Where the next bytes may be put (maybe not all of the free room), and how many were.
  std::span<char> room();
  void commit(std::size_t size_bytes);
  // Copies as much of `bytes` as there's room for; how much that was.
  std::size_t append(std::string_view bytes);
  void finish();           // the body is whole
  void fail(Error error);  // it never will be: the reader gets the error now. The first one stays
  // What the reader was handed, ever.
  std::uint64_t taken_bytes();
  // Bytes wait for the reader, or are in its hands.
  bool waits_for_reader();
  // Whether the client was kept waiting at any time since this was asked last.
  bool take_was_full();
  bool reading_begun();

  // The reader's side. Gives back what take() gave last; true when the loop must be told.
  bool release();
  // Waits for bytes; "" at the end. The view lives until release().
  Result<std::string_view> take();
  // Whether take() would not wait.
  bool ready();

 private:
  std::size_t capacity_;
  std::size_t piece_;
  std::unique_ptr<char[]> ring_;

  std::mutex ring_mutex_;  // all below; not the bytes, which belong to one side at a time
  std::condition_variable changed_;
  std::size_t tail_ = 0;    // where the reader is
  std::size_t filled_ = 0;  // from there on
  std::size_t held_ = 0;    // of those: in the reader's hands
  std::uint64_t taken_ = 0;
  bool starving_ = false;  // the loop waits for room
  bool was_full_ = false;
  bool begun_ = false;
  bool finished_ = false;
  std::optional<Error> failure_;
};

}  // namespace martlet::net
