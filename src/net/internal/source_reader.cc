#include "net/internal/source_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace martlet::net {

SourceReader::SourceReader(std::shared_ptr<BodySource> source, std::size_t piece_bytes)
    : source_(std::move(source)), piece_bytes_(std::max<std::size_t>(piece_bytes, 1)),
      size_bytes_(source_->size_bytes()) {}

bool SourceReader::begin_read() {
  if (reading_ || has_piece_ || failure_.has_value() || offset_ == size_bytes_) return false;
  reading_ = true;
  fetched_.store(false, std::memory_order_relaxed);
  incoming_ = std::move(spare_);
  spare_ = std::string();
  incoming_.resize(
      static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes_, size_bytes_ - offset_)));
  return true;
}

void SourceReader::read() {
  fill();
  fetched_.store(true, std::memory_order_release);
}

void SourceReader::fill() {
  for (std::size_t have = 0; have < incoming_.size();) {
    Result<std::size_t> got =
        source_->read(offset_ + have, std::span<char>(incoming_).subspan(have));
    if (!got.has_value()) {
      failure_ = std::move(got).error();
      return;
    }
    if (*got == 0 || *got > incoming_.size() - have) {
      failure_ = Error(ErrorCode::Corrupt,
                       fmt::format("the source of a body of {} bytes gave {} bytes at offset {}",
                                   size_bytes_, *got, offset_ + have));
      return;
    }
    have += *got;
  }
}

bool SourceReader::end_read() {
  reading_ = false;
  if (failure_.has_value()) return false;
  offset_ += incoming_.size();
  piece_ = std::move(incoming_);
  has_piece_ = true;
  return true;
}

std::string SourceReader::take_piece() {
  has_piece_ = false;
  return std::move(piece_);
}

}  // namespace martlet::net
