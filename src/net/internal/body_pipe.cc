#include "net/internal/body_pipe.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace martlet::net {

BodyPipe::BodyPipe(std::size_t capacity_bytes, std::size_t piece_bytes)
    : capacity_(std::max<std::size_t>(capacity_bytes, 1)),
      piece_(std::max<std::size_t>(piece_bytes, 1)),
      ring_(std::make_unique_for_overwrite<char[]>(capacity_)) {}

bool BodyPipe::has_room() {
  const std::lock_guard lock(ring_mutex_);
  // Once it was full, half of it must be free: else the two sides would wake each other for crumbs.
  if (filled_ == capacity_) starving_ = true;
  if (starving_) was_full_ = true;
  return !starving_;
}

std::span<char> BodyPipe::room() {
  const std::lock_guard lock(ring_mutex_);
  const std::size_t head = (tail_ + filled_) % capacity_;
  return {ring_.get() + head, std::min(capacity_ - filled_, capacity_ - head)};
}

void BodyPipe::commit(std::size_t size_bytes) {
  const std::lock_guard lock(ring_mutex_);
  MARTLET_CHECK(size_bytes <= capacity_ - filled_, "a pipe takes what it has room for");
  filled_ += size_bytes;
  changed_.notify_one();
}

std::size_t BodyPipe::append(std::string_view bytes) {
  std::size_t copied = 0;
  while (!bytes.empty()) {
    const std::span<char> free = room();
    const std::size_t part = std::min(free.size(), bytes.size());
    if (part == 0) break;
    std::memcpy(free.data(), bytes.data(), part);
    commit(part);
    bytes.remove_prefix(part);
    copied += part;
  }
  return copied;
}

void BodyPipe::finish() {
  const std::lock_guard lock(ring_mutex_);
  finished_ = true;
  changed_.notify_one();
}

void BodyPipe::fail(Error error) {
  const std::lock_guard lock(ring_mutex_);
  if (!failure_.has_value()) failure_ = std::move(error);
  changed_.notify_one();
}

std::uint64_t BodyPipe::taken_bytes() {
  const std::lock_guard lock(ring_mutex_);
  return taken_;
}

bool BodyPipe::waits_for_reader() {
  const std::lock_guard lock(ring_mutex_);
  return filled_ > 0;
}

bool BodyPipe::take_was_full() {
  const std::lock_guard lock(ring_mutex_);
  return std::exchange(was_full_, starving_);
}

bool BodyPipe::reading_begun() {
  const std::lock_guard lock(ring_mutex_);
  return begun_;
}

bool BodyPipe::release() {
  const std::lock_guard lock(ring_mutex_);
  const bool first = !std::exchange(begun_, true);
  tail_ = (tail_ + held_) % capacity_;
  filled_ -= held_;
  held_ = 0;
  if (!starving_ || capacity_ - filled_ < (capacity_ + 1) / 2) return first;
  starving_ = false;
  return true;
}

Result<std::string_view> BodyPipe::take() {
  std::unique_lock lock(ring_mutex_);
  changed_.wait(lock, [&] { return filled_ > 0 || finished_ || failure_.has_value(); });
  if (failure_.has_value()) return tl::unexpected<Error>(*failure_);
  held_ = std::min({filled_, capacity_ - tail_, piece_});
  taken_ += held_;
  return std::string_view(ring_.get() + tail_, held_);
}

bool BodyPipe::ready() {
  const std::lock_guard lock(ring_mutex_);
  return filled_ > held_ || finished_ || failure_.has_value();
}

}  // namespace martlet::net
