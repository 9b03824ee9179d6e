// expr/internal/kernel.h: how a function of values becomes a kernel over lanes.
//
// A plain operation is a struct with `static D apply(const Context&, A, B)`, of storage types; it
// cannot fail and is computed in every lane, missing or not. A checked one has `static Outcome
// apply(const Context&, A, B, D&)`; it is computed only where all operands are present and the lane
// is active, and may answer missing or fail.
#pragma once
#include "expr/internal/program.h"

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>

namespace martlet::expr {

enum class Outcome : std::uint8_t { Value, Missing, Failure };

struct Context {
  const Zone& zone;
  Arena& arena;
  std::int64_t immediate;
  const void* object;
};
inline Context context_of(Frame& frame, const Instruction& in) {
  return {frame.zone(), frame.arena(), in.immediate, in.object};
}

// The types of an operation's operands and of its result, from its apply().
template <class Apply>
struct Signature;
template <class Result, class... Operands>
struct Signature<Result(const Context&, Operands...)> {
  template <std::size_t k>
  using Operand = std::remove_cvref_t<std::tuple_element_t<k, std::tuple<Operands...>>>;
  static constexpr bool kChecked = std::is_same_v<Result, Outcome>;
  static auto result() {
    if constexpr (kChecked)
      return Operand<sizeof...(Operands) - 1>{};
    else
      return Result{};
  }
};
template <class Op, std::size_t k>
using Operand = typename Signature<decltype(Op::apply)>::template Operand<k>;
template <class Op>
using ResultOf = decltype(Signature<decltype(Op::apply)>::result());

template <class Op>
void unary(Frame& frame, const Instruction& in) {
  const auto* a = frame.values<Operand<Op, 0>>(in.a);
  auto* d = frame.values<ResultOf<Op>>(in.dst);
  const Context context = context_of(frame, in);
  const std::size_t lanes = frame.lanes();
  for (std::size_t i = 0; i < lanes; ++i) d[i] = Op::apply(context, a[i]);
  frame.copy_valid(in.dst, in.a);
}

template <class Op>
void binary(Frame& frame, const Instruction& in) {
  const auto* a = frame.values<Operand<Op, 0>>(in.a);
  const auto* b = frame.values<Operand<Op, 1>>(in.b);
  auto* d = frame.values<ResultOf<Op>>(in.dst);
  const Context context = context_of(frame, in);
  const std::size_t lanes = frame.lanes();
  for (std::size_t i = 0; i < lanes; ++i) d[i] = Op::apply(context, a[i], b[i]);
  frame.combine_valid(in.dst, in.a, in.b);
}

// What a failed lane becomes: an error, or missing (try_cast).
enum class OnFailure : std::uint8_t { Fail, Missing };

// Runs `one(lane, d)` in the lanes that count, once `dst`'s validity says which operands are
// present.
template <class D, OnFailure kOnFailure, class One>
void checked_lanes(Frame& frame, const Instruction& in, One one) {
  auto* d = frame.values<D>(in.dst);
  const std::size_t lanes = frame.lanes();
  const std::uint8_t* valid = frame.valid(in.dst);
  const std::uint8_t* mask = frame.mask(in);
  if (valid == nullptr && mask == nullptr) {
    bool odd = false;
    for (std::size_t i = 0; i < lanes; ++i) {
      D out{};
      odd |= one(i, out) != Outcome::Value;
      d[i] = out;
    }
    if (!odd) return;
  }
  for (std::size_t i = 0; i < lanes; ++i) {
    D out{};
    if ((valid == nullptr || valid[i] != 0) && (mask == nullptr || mask[i] != 0)) {
      const Outcome outcome = one(i, out);
      if (outcome == Outcome::Failure && kOnFailure == OnFailure::Fail) return frame.fail(in, i);
      if (outcome != Outcome::Value) {
        out = D{};
        frame.writable_valid(in.dst)[i] = 0;
        valid = frame.valid(in.dst);
      }
    }
    d[i] = out;
  }
}

template <class Op, OnFailure kOnFailure = OnFailure::Fail>
void checked_unary(Frame& frame, const Instruction& in) {
  const auto* a = frame.values<Operand<Op, 0>>(in.a);
  const Context context = context_of(frame, in);
  frame.copy_valid(in.dst, in.a);
  checked_lanes<ResultOf<Op>, kOnFailure>(
      frame, in, [&](std::size_t i, ResultOf<Op>& out) { return Op::apply(context, a[i], out); });
}

template <class Op>
void checked_binary(Frame& frame, const Instruction& in) {
  const auto* a = frame.values<Operand<Op, 0>>(in.a);
  const auto* b = frame.values<Operand<Op, 1>>(in.b);
  const Context context = context_of(frame, in);
  frame.combine_valid(in.dst, in.a, in.b);
  checked_lanes<ResultOf<Op>, OnFailure::Fail>(frame, in, [&](std::size_t i, ResultOf<Op>& out) {
    return Op::apply(context, a[i], b[i], out);
  });
}

template <class Op>
void checked_ternary(Frame& frame, const Instruction& in) {
  const auto* a = frame.values<Operand<Op, 0>>(in.a);
  const auto* b = frame.values<Operand<Op, 1>>(in.b);
  const auto* c = frame.values<Operand<Op, 2>>(in.c);
  const Context context = context_of(frame, in);
  frame.combine_valid(in.dst, in.a, in.b);
  if (const std::uint8_t* third = frame.valid(in.c); third != nullptr) {
    std::uint8_t* valid = frame.writable_valid(in.dst);
    for (std::size_t i = 0; i < frame.lanes(); ++i)
      valid[i] = static_cast<std::uint8_t>(valid[i] & third[i]);
  }
  checked_lanes<ResultOf<Op>, OnFailure::Fail>(frame, in, [&](std::size_t i, ResultOf<Op>& out) {
    return Op::apply(context, a[i], b[i], c[i], out);
  });
}

// Truths are stored as bytes.
inline std::uint8_t truth(bool value) { return value ? 1 : 0; }

}  // namespace martlet::expr
