// expr/internal/functions.h: the tables of what can be called: operators, functions, casts; one
// file per theme defines them.
#pragma once
#include "expr/internal/program.h"
#include "expr/internal/value.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace martlet::expr {

struct Overload {
  std::string_view name;  // lower case; operators by their symbol
  std::vector<Kind> operands;
  Kind result = Kind::Null;
  Kernel kernel = nullptr;
  // Why a lane may fail and what to do, for the message; nullptr: it cannot.
  const char* failure = nullptr;
  std::int64_t immediate = 0;
};

// Arithmetic and mathematics; text; dates and times.
std::span<const Overload> number_overloads();
std::span<const Overload> text_overloads();
std::span<const Overload> time_overloads();

struct CastKernel {
  Kernel kernel = nullptr;
  Kernel try_kernel = nullptr;
  const char* failure = nullptr;
};
// Between different kinds, not from Null; a null kernel when there is no such cast.
CastKernel find_cast(Kind from, Kind to);

// Kernels that exist for the storage of every kind.
enum class Relation : std::uint8_t {
  Equal,
  NotEqual,
  Less,
  AtMost,
  Greater,
  AtLeast,
  Distinct,
  NotDistinct
};
Kernel comparison_kernel(Relation relation, Kind kind);
enum class Extreme : std::uint8_t { Greatest, Least };
Kernel extreme_kernel(Extreme extreme, Kind kind);  // of two, ignoring a missing one
Kernel set_kernel(Kind kind);                       // a in `object`, a ConstantSet
Kernel null_if_kernel(Kind kind);                   // a, missing where b is true
Kernel clear_kernel(Kind kind);                     // dst all missing
Kernel blend_kernel(Kind kind);                     // dst takes a where the mask is active
Kernel blend_present_kernel(Kind kind);  // likewise where a is present; those lanes leave mask b
Kernel spread_kernel(Kind kind);         // dst from the Constant in `object`

// Logic; operands and result are truths.
void is_null_kernel(Frame& frame, const Instruction& in);
void not_kernel(Frame& frame, const Instruction& in);
void and_kernel(Frame& frame, const Instruction& in);
void or_kernel(Frame& frame, const Instruction& in);
// Masks: dst = mask b, or all lanes.
void start_mask_kernel(Frame& frame, const Instruction& in);
// dst = mask b where a is true; those lanes leave mask b.
void split_mask_kernel(Frame& frame, const Instruction& in);
// dst = mask b (or all) where a is not false; where a is not true.
void unless_false_kernel(Frame& frame, const Instruction& in);
void unless_true_kernel(Frame& frame, const Instruction& in);

}  // namespace martlet::expr
