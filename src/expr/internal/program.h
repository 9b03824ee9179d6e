// expr/internal/program.h: the compiled form of an expression and the machine that runs it.
//
// A program is a straight list of instructions over registers, each register holding `lanes` values
// of one kind: 1 lane for a single row, kChunkLanes for a chunk of a batch. The same kernels serve
// both, which is why both give the same bits. case, coalesce, and the right side of and/or run
// under a mask of active lanes: an inactive lane computes nothing that is used and cannot fail; a
// part without any active lane is jumped over.
#pragma once
#include "base/pattern.h"
#include "base/zone.h"
#include "columns/schema.h"
#include "expr/internal/value.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace martlet::expr {

inline constexpr std::size_t kChunkLanes = 2048;
inline constexpr std::size_t kMaxTextBytes = std::size_t{16}
                                             << 20;  // one text made by an expression
inline constexpr std::size_t kMaxArenaBytes = std::size_t{256} << 20;  // all texts made for a chunk

using Register = std::uint32_t;
inline constexpr Register kNoRegister = ~Register{0};

class Frame;
struct Instruction;
using Kernel = void (*)(Frame&, const Instruction&);

struct Instruction {
  Kernel kernel = nullptr;  // nullptr: jump to `target` when no lane of `mask` is active
  Register dst = kNoRegister;
  Register a = kNoRegister;
  Register b = kNoRegister;
  Register c = kNoRegister;
  Register mask = kNoRegister;  // none: all lanes are active
  std::uint32_t target = 0;
  std::uint32_t site = 0;
  std::int64_t immediate = 0;
  const void* object = nullptr;  // owned by the program
};

// What a failure message needs to know about an instruction.
struct Site {
  std::size_t offset = 0;
  std::string name;
  const char* failure = "";
  std::vector<Kind> kinds;  // of its operands a, b, c
};

// Bump storage for the texts that kernels make; keeps its blocks when cleared.
class Arena {
 public:
  // nullptr when the text or the sum would be too large.
  char* take(std::size_t bytes);
  // Gives back the end of the latest take().
  void give_back(std::size_t bytes) { used_ -= bytes; }
  void clear();

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;
  std::size_t earlier_ = 0;  // in the blocks before
};

// A register's lanes: an array of the kind's storage, and one validity byte per lane (nullptr: all
// present).
struct Lanes {
  void* values = nullptr;
  const std::uint8_t* valid = nullptr;
  std::uint8_t* own_valid = nullptr;
};

class Program;

// The registers of one run. One thread at a time.
class Frame {
 public:
  template <class T>
  T* values(Register r) {
    return static_cast<T*>(lanes_[r].values);
  }
  const std::uint8_t* valid(Register r) const { return lanes_[r].valid; }
  const std::uint8_t* mask(const Instruction& in) const {
    return in.mask == kNoRegister ? nullptr
                                  : static_cast<const std::uint8_t*>(lanes_[in.mask].values);
  }
  std::size_t lanes() const { return count_; }
  Arena& arena() { return arena_; }
  const Zone& zone() const { return *zone_; }

  void set_all_valid(Register dst) { lanes_[dst].valid = nullptr; }
  void copy_valid(Register dst, Register a);
  // Present where both are.
  void combine_valid(Register dst, Register a, Register b);
  // The register's own validity bytes, made writable.
  std::uint8_t* writable_valid(Register dst);
  // Own validity bytes with unspecified content, in use from now on.
  std::uint8_t* fresh_valid(Register dst) {
    lanes_[dst].valid = lanes_[dst].own_valid;
    return lanes_[dst].own_valid;
  }

  // Notes the first failure of the run; the kernel should return soon.
  void fail(const Instruction& in, std::size_t lane) {
    if (!failed_) {
      failed_ = true;
      failed_lane_ = lane;
      failed_instruction_ = &in;
    }
  }
  bool failed() const { return failed_; }
  std::size_t failed_lane() const { return failed_lane_; }
  const Instruction& failed_instruction() const { return *failed_instruction_; }
  // The value that an instruction's operand had.
  Slot slot(Register r, Kind kind, std::size_t lane, bool& missing);

 private:
  friend class Program;
  std::vector<Lanes> lanes_;
  std::unique_ptr<std::byte[]> storage_;
  std::size_t storage_bytes_ = 0;
  std::size_t capacity_ = 0;
  std::uint64_t prepared_for_ = 0;  // the program's id; 0: none
  std::size_t count_ = 0;
  Arena arena_;
  const Zone* zone_ = nullptr;
  bool failed_ = false;
  std::size_t failed_lane_ = 0;
  const Instruction* failed_instruction_ = nullptr;
};

// Values of `in (…)` when all are constant: sorted, without nulls and duplicates.
struct ConstantSet {
  std::vector<std::int64_t> integers;
  std::vector<double> numbers;
  std::vector<std::string> texts;
  bool has_null = false;
};

struct Constant {
  Value value;
  Slot slot;  // text points into value
};

// Immutable once emitted; shared by threads.
class Program {
 public:
  Program();

  std::string text;
  Kind kind = Kind::Null;
  std::vector<std::string> names;
  std::vector<Kind> name_kinds;
  Zone zone = Zone::utc();

  // Registers: names, then constants, then temporaries.
  std::deque<Constant> constants;
  std::deque<Constant>
      spread_constants;  // without a register: an instruction writes them where they are used
  std::uint32_t temporaries = 0;
  Register result = kNoRegister;
  std::vector<Instruction> instructions;
  std::vector<Site> sites;
  std::deque<Pattern> patterns;
  std::deque<ConstantSet> sets;

  Register constant_register(std::size_t i) const {
    return static_cast<Register>(names.size() + i);
  }
  std::size_t register_count() const { return names.size() + constants.size() + temporaries; }

  // Gives every register but the names its storage for up to `lanes` lanes, and the constants their
  // values. Cheap when the frame was last prepared for this program and as many lanes.
  void prepare(Frame& frame, std::size_t lanes) const;
  // Points a name's register at values elsewhere; they must outlive run().
  void bind(Frame& frame, std::size_t name, const void* values, const std::uint8_t* valid) const;
  // The name's own storage, to be filled.
  void* own_values(Frame& frame, std::size_t name) const;
  // False when it failed; then the frame says where.
  bool run(Frame& frame, std::size_t lanes) const;
  // "…: integer overflow in 9223372036854775807 * 2 (line 1, column 3)"; `row` from 1, 0 for a
  // single row.
  std::string failure_message(Frame& frame, std::size_t row) const;

 private:
  std::uint64_t id_;  // distinguishes programs that had the same address
};

}  // namespace martlet::expr
