#include "expr/internal/program.h"

#include "base/finding.h"
#include "base/result.h"
#include "expr/internal/syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace martlet::expr {
namespace {

constexpr std::uint8_t kPresent = 1;
constexpr std::uint8_t kMissing = 0;

template <class T>
void spread(void* values, std::size_t lanes, T value) {
  std::fill_n(static_cast<T*>(values), lanes, value);
}

void spread_constant(const Constant& constant, void* values, std::size_t lanes) {
  switch (constant.value.kind) {
    case Kind::Null:
    case Kind::Int64:
    case Kind::Timestamp:
    case Kind::Date: spread(values, lanes, constant.slot.integer); return;
    case Kind::Bool: spread(values, lanes, constant.slot.boolean); return;
    case Kind::Double: spread(values, lanes, constant.slot.number); return;
    case Kind::Text: spread(values, lanes, constant.slot.text); return;
    case Kind::Interval: spread(values, lanes, constant.slot.interval); return;
  }
}

}  // namespace

char* Arena::take(std::size_t bytes) {
  if (bytes > kMaxTextBytes || earlier_ + used_ + bytes > kMaxArenaBytes) return nullptr;
  while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
    earlier_ += used_;
    used_ = 0;
    ++block_;
  }
  if (block_ == blocks_.size()) {
    const std::size_t size = std::max<std::size_t>(
        bytes, std::size_t{4096} << std::min<std::size_t>(blocks_.size(), 10));
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    used_ = 0;
  }
  char* at = blocks_[block_].bytes.get() + used_;
  used_ += bytes;
  return at;
}

void Arena::clear() {
  block_ = 0;
  used_ = 0;
  earlier_ = 0;
}

void Frame::copy_valid(Register dst, Register a) {
  if (lanes_[a].valid == nullptr) {
    lanes_[dst].valid = nullptr;
    return;
  }
  std::memcpy(fresh_valid(dst), lanes_[a].valid, count_);
}

void Frame::combine_valid(Register dst, Register a, Register b) {
  const std::uint8_t* left = lanes_[a].valid;
  const std::uint8_t* right = lanes_[b].valid;
  if (left == nullptr) return copy_valid(dst, b);
  if (right == nullptr) return copy_valid(dst, a);
  std::uint8_t* valid = fresh_valid(dst);
  for (std::size_t i = 0; i < count_; ++i) valid[i] = static_cast<std::uint8_t>(left[i] & right[i]);
}

std::uint8_t* Frame::writable_valid(Register dst) {
  if (lanes_[dst].valid == nullptr) std::memset(fresh_valid(dst), 1, count_);
  return lanes_[dst].own_valid;
}

Slot Frame::slot(Register r, Kind kind, std::size_t lane, bool& missing) {
  Slot slot;
  missing = lanes_[r].valid != nullptr && lanes_[r].valid[lane] == 0;
  switch (kind) {
    case Kind::Bool: slot.boolean = values<std::uint8_t>(r)[lane]; break;
    case Kind::Double: slot.number = values<double>(r)[lane]; break;
    case Kind::Text: slot.text = values<std::string_view>(r)[lane]; break;
    case Kind::Interval: slot.interval = values<Interval>(r)[lane]; break;
    default: slot.integer = values<std::int64_t>(r)[lane]; break;
  }
  return slot;
}

Program::Program() {
  static std::atomic<std::uint64_t> last_id{0};
  id_ = ++last_id;
}

void Program::prepare(Frame& frame, std::size_t lanes) const {
  frame.failed_ = false;
  if (frame.prepared_for_ == id_ && frame.capacity_ == lanes) return;
  frame.prepared_for_ = id_;
  frame.capacity_ = lanes;
  frame.zone_ = &zone;
  const std::size_t registers = register_count();
  if (frame.lanes_.size() < registers) frame.lanes_.resize(registers);
  const std::size_t values_bytes = lanes * sizeof(Slot);
  const std::size_t valid_bytes = (lanes + 15) / 16 * 16;
  const std::size_t wanted = registers * (values_bytes + valid_bytes);
  if (frame.storage_bytes_ < wanted) {
    frame.storage_ = std::make_unique_for_overwrite<std::byte[]>(wanted);
    frame.storage_bytes_ = wanted;
  }
  std::byte* at = frame.storage_.get();
  for (std::size_t i = 0; i < registers; ++i) {
    Lanes& own = frame.lanes_[i];
    own.values = at;
    own.own_valid = reinterpret_cast<std::uint8_t*>(at + values_bytes);
    own.valid = nullptr;
    at += values_bytes + valid_bytes;
  }
  for (std::size_t i = 0; i < constants.size(); ++i) {
    Lanes& own = frame.lanes_[constant_register(i)];
    spread_constant(constants[i], own.values, lanes);
    if (constants[i].value.missing) {
      std::memset(own.own_valid, kMissing, lanes);
      own.valid = own.own_valid;
    }
  }
}

void Program::bind(Frame& frame, std::size_t name, const void* values,
                   const std::uint8_t* valid) const {
  // Kernels never write to the register of a name.
  frame.lanes_[name].values = const_cast<void*>(values);
  frame.lanes_[name].valid = valid;
}

void* Program::own_values(Frame& frame, std::size_t name) const {
  const std::size_t values_bytes = frame.capacity_ * sizeof(Slot);
  const std::size_t valid_bytes = (frame.capacity_ + 15) / 16 * 16;
  return frame.storage_.get() + name * (values_bytes + valid_bytes);
}

bool Program::run(Frame& frame, std::size_t lanes) const {
  frame.count_ = lanes;
  frame.arena_.clear();
  const std::size_t end = instructions.size();
  for (std::size_t at = 0; at < end;) {
    const Instruction& in = instructions[at];
    if (in.kernel == nullptr) {
      const void* active = std::memchr(frame.mask(in), kPresent, lanes);
      at = active == nullptr ? in.target : at + 1;
      continue;
    }
    in.kernel(frame, in);
    if (frame.failed_) return false;
    ++at;
  }
  return true;
}

std::string Program::failure_message(Frame& frame, std::size_t row) const {
  const Instruction& in = frame.failed_instruction();
  const Site& site = sites[in.site];
  std::string operands;
  const Register registers[] = {in.a, in.b, in.c};
  for (std::size_t i = 0; i < site.kinds.size() && i < 3; ++i) {
    bool missing = false;
    const Slot slot = frame.slot(registers[i], site.kinds[i], frame.failed_lane(), missing);
    operands += (i == 0 ? "" : ", ") + describe(site.kinds[i], missing, slot);
  }
  const Finding place = finding_at(text, site.offset, "", "");
  return fmt::format("evaluating \"{}\"{}: {}({}) at line {}, column {}: {}", excerpt(text, 80),
                     row == 0 ? "" : fmt::format(" on row {}", row), site.name, operands,
                     place.line, place.column, site.failure);
}

}  // namespace martlet::expr
