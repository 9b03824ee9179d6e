// Three-valued logic, comparisons, masks, and the kernels that exist for every kind.
#include "base/result.h"
#include "expr/internal/calendar.h"
#include "expr/internal/functions.h"
#include "expr/internal/kernel.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace martlet::expr {
namespace {

// Total order: NaN equals itself and is the greatest number, as in DuckDB; texts by their bytes.
template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}
template <>
int order(const double& a, const double& b) {
  if (std::isnan(a) || std::isnan(b))
    return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  return a < b ? -1 : b < a ? 1 : 0;
}
template <>
int order(const std::string_view& a, const std::string_view& b) {
  return a.compare(b);
}
template <>
int order(const Interval& a, const Interval& b) {
  return compare(a, b);
}

template <Relation kRelation>
bool holds(int sign) {
  switch (kRelation) {
    case Relation::Equal:
    case Relation::NotDistinct: return sign == 0;
    case Relation::NotEqual:
    case Relation::Distinct: return sign != 0;
    case Relation::Less: return sign < 0;
    case Relation::AtMost: return sign <= 0;
    case Relation::Greater: return sign > 0;
    case Relation::AtLeast: return sign >= 0;
  }
  return false;
}

template <class T, Relation kRelation>
struct Compare {
  static std::uint8_t apply(const Context&, const T& a, const T& b) {
    return truth(holds<kRelation>(order(a, b)));
  }
};

template <class T, Relation kRelation>
void distinct(Frame& frame, const Instruction& in) {
  const T* a = frame.values<T>(in.a);
  const T* b = frame.values<T>(in.b);
  const std::uint8_t* a_valid = frame.valid(in.a);
  const std::uint8_t* b_valid = frame.valid(in.b);
  auto* d = frame.values<std::uint8_t>(in.dst);
  for (std::size_t i = 0; i < frame.lanes(); ++i) {
    const bool left = a_valid == nullptr || a_valid[i] != 0;
    const bool right = b_valid == nullptr || b_valid[i] != 0;
    const bool differ = left != right || (left && order(a[i], b[i]) != 0);
    d[i] = truth(kRelation == Relation::Distinct ? differ : !differ);
  }
  frame.set_all_valid(in.dst);
}

template <class T>
Kernel comparison_of(Relation relation) {
  switch (relation) {
    case Relation::Equal: return &binary<Compare<T, Relation::Equal>>;
    case Relation::NotEqual: return &binary<Compare<T, Relation::NotEqual>>;
    case Relation::Less: return &binary<Compare<T, Relation::Less>>;
    case Relation::AtMost: return &binary<Compare<T, Relation::AtMost>>;
    case Relation::Greater: return &binary<Compare<T, Relation::Greater>>;
    case Relation::AtLeast: return &binary<Compare<T, Relation::AtLeast>>;
    case Relation::Distinct: return &distinct<T, Relation::Distinct>;
    case Relation::NotDistinct: return &distinct<T, Relation::NotDistinct>;
  }
  return nullptr;
}

template <class T, Extreme kExtreme>
void extreme(Frame& frame, const Instruction& in) {
  const T* a = frame.values<T>(in.a);
  const T* b = frame.values<T>(in.b);
  T* d = frame.values<T>(in.dst);
  const std::uint8_t* a_valid = frame.valid(in.a);
  const std::uint8_t* b_valid = frame.valid(in.b);
  const std::size_t lanes = frame.lanes();
  std::uint8_t* valid = nullptr;
  if (a_valid == nullptr || b_valid == nullptr)
    frame.set_all_valid(in.dst);
  else
    valid = frame.fresh_valid(in.dst);
  for (std::size_t i = 0; i < lanes; ++i) {
    const bool left = a_valid == nullptr || a_valid[i] != 0;
    const bool right = b_valid == nullptr || b_valid[i] != 0;
    const int sign = kExtreme == Extreme::Greatest ? order(b[i], a[i]) : order(a[i], b[i]);
    d[i] = right && (!left || sign > 0) ? b[i] : a[i];
    if (valid != nullptr) valid[i] = truth(left || right);
  }
}

template <class T>
const std::vector<T>& values_of(const ConstantSet& set);
template <>
const std::vector<std::int64_t>& values_of(const ConstantSet& set) {
  return set.integers;
}
template <>
const std::vector<double>& values_of(const ConstantSet& set) {
  return set.numbers;
}

bool contains(const ConstantSet& set, const std::string_view& value) {
  const auto found = std::lower_bound(
      set.texts.begin(), set.texts.end(), value,
      [](const std::string& a, std::string_view b) { return std::string_view(a) < b; });
  return found != set.texts.end() && *found == value;
}
template <class T>
bool contains(const ConstantSet& set, const T& value) {
  const std::vector<T>& values = values_of<T>(set);
  const auto found = std::lower_bound(values.begin(), values.end(), value,
                                      [](const T& a, const T& b) { return order(a, b) < 0; });
  return found != values.end() && order(*found, value) == 0;
}

template <class T>
void in_set(Frame& frame, const Instruction& in) {
  const auto& set = *static_cast<const ConstantSet*>(in.object);
  const T* a = frame.values<T>(in.a);
  auto* d = frame.values<std::uint8_t>(in.dst);
  for (std::size_t i = 0; i < frame.lanes(); ++i) d[i] = truth(contains(set, a[i]));
  frame.copy_valid(in.dst, in.a);
  if (!set.has_null) return;
  std::uint8_t* valid = frame.writable_valid(in.dst);
  for (std::size_t i = 0; i < frame.lanes(); ++i)
    valid[i] = static_cast<std::uint8_t>(valid[i] & d[i]);
}

template <class T>
void null_if(Frame& frame, const Instruction& in) {
  const auto* equal = frame.values<std::uint8_t>(in.b);
  const std::uint8_t* known = frame.valid(in.b);
  std::copy_n(frame.values<T>(in.a), frame.lanes(), frame.values<T>(in.dst));
  frame.copy_valid(in.dst, in.a);
  std::uint8_t* valid = frame.writable_valid(in.dst);
  for (std::size_t i = 0; i < frame.lanes(); ++i) {
    if (equal[i] != 0 && (known == nullptr || known[i] != 0)) valid[i] = 0;
  }
}

template <class T>
void clear(Frame& frame, const Instruction& in) {
  std::fill_n(frame.values<T>(in.dst), frame.lanes(), T{});
  std::memset(frame.fresh_valid(in.dst), 0, frame.lanes());
}

// Without branches: which lanes are active is as good as random.
template <class T>
void blend(Frame& frame, const Instruction& in) {
  const T* a = frame.values<T>(in.a);
  const std::uint8_t* present = frame.valid(in.a);
  T* d = frame.values<T>(in.dst);
  std::uint8_t* valid = frame.writable_valid(in.dst);
  const std::uint8_t* mask = frame.mask(in);
  const std::size_t lanes = frame.lanes();
  for (std::size_t i = 0; i < lanes; ++i) {
    const T old = d[i];
    const T other = a[i];
    d[i] = mask[i] != 0 ? other : old;
  }
  for (std::size_t i = 0; i < lanes; ++i) {
    const std::uint8_t other = present == nullptr ? std::uint8_t{1} : present[i];
    valid[i] = mask[i] != 0 ? other : valid[i];
  }
}

template <class T>
void blend_present(Frame& frame, const Instruction& in) {
  const T* a = frame.values<T>(in.a);
  const std::uint8_t* present = frame.valid(in.a);
  T* d = frame.values<T>(in.dst);
  std::uint8_t* valid = frame.writable_valid(in.dst);
  auto* remaining = frame.values<std::uint8_t>(in.b);
  for (std::size_t i = 0; i < frame.lanes(); ++i) {
    if (remaining[i] == 0 || (present != nullptr && present[i] == 0)) continue;
    d[i] = a[i];
    valid[i] = 1;
    remaining[i] = 0;
  }
}

template <class T>
T read(const Slot& slot);
template <>
std::uint8_t read(const Slot& slot) {
  return slot.boolean;
}
template <>
std::int64_t read(const Slot& slot) {
  return slot.integer;
}
template <>
double read(const Slot& slot) {
  return slot.number;
}
template <>
std::string_view read(const Slot& slot) {
  return slot.text;
}
template <>
Interval read(const Slot& slot) {
  return slot.interval;
}

template <class T>
void spread(Frame& frame, const Instruction& in) {
  const auto& constant = *static_cast<const Constant*>(in.object);
  std::fill_n(frame.values<T>(in.dst), frame.lanes(), read<T>(constant.slot));
  if (constant.value.missing)
    std::memset(frame.fresh_valid(in.dst), 0, frame.lanes());
  else
    frame.set_all_valid(in.dst);
}

// `make` is a generic lambda over a storage type's tag.
template <class Make>
Kernel for_kind(Kind kind, Make make) {
  switch (kind) {
    case Kind::Bool: return make(std::uint8_t{});
    case Kind::Double: return make(double{});
    case Kind::Text: return make(std::string_view{});
    case Kind::Interval: return make(Interval{});
    case Kind::Null:
    case Kind::Int64:
    case Kind::Timestamp:
    case Kind::Date: return make(std::int64_t{});
  }
  return nullptr;
}

bool is_present(const std::uint8_t* valid, std::size_t i) {
  return valid == nullptr || valid[i] != 0;
}

// and, or: the result is decided by one `kDeciding` side, else missing if a side is, else the other
// truth.
template <bool kDeciding>
void conjunction(Frame& frame, const Instruction& in) {
  const auto* a = frame.values<std::uint8_t>(in.a);
  const auto* b = frame.values<std::uint8_t>(in.b);
  const std::uint8_t* a_valid = frame.valid(in.a);
  const std::uint8_t* b_valid = frame.valid(in.b);
  auto* d = frame.values<std::uint8_t>(in.dst);
  const std::size_t lanes = frame.lanes();
  if (a_valid == nullptr && b_valid == nullptr) {
    for (std::size_t i = 0; i < lanes; ++i)
      d[i] = static_cast<std::uint8_t>(kDeciding ? a[i] | b[i] : a[i] & b[i]);
    frame.set_all_valid(in.dst);
    return;
  }
  std::uint8_t* valid = frame.fresh_valid(in.dst);
  for (std::size_t i = 0; i < lanes; ++i) {
    const unsigned left = a_valid == nullptr ? 1U : a_valid[i];
    const unsigned right = b_valid == nullptr ? 1U : b_valid[i];
    const unsigned decided =
        (left & truth((a[i] != 0) == kDeciding)) | (right & truth((b[i] != 0) == kDeciding));
    d[i] = static_cast<std::uint8_t>(kDeciding ? decided : decided ^ 1U);
    valid[i] = static_cast<std::uint8_t>(decided | (left & right));
  }
}

}  // namespace

Kernel comparison_kernel(Relation relation, Kind kind) {
  return for_kind(kind, [&](auto tag) { return comparison_of<decltype(tag)>(relation); });
}
Kernel extreme_kernel(Extreme which, Kind kind) {
  return for_kind(kind, [&](auto tag) -> Kernel {
    using T = decltype(tag);
    return which == Extreme::Greatest ? &extreme<T, Extreme::Greatest>
                                      : &extreme<T, Extreme::Least>;
  });
}
Kernel set_kernel(Kind kind) {
  switch (kind) {
    case Kind::Int64:
    case Kind::Timestamp:
    case Kind::Date: return &in_set<std::int64_t>;
    case Kind::Double: return &in_set<double>;
    case Kind::Text: return &in_set<std::string_view>;
    default: return nullptr;
  }
}
Kernel null_if_kernel(Kind kind) {
  return for_kind(kind, [](auto tag) -> Kernel { return &null_if<decltype(tag)>; });
}
Kernel clear_kernel(Kind kind) {
  return for_kind(kind, [](auto tag) -> Kernel { return &clear<decltype(tag)>; });
}
Kernel blend_kernel(Kind kind) {
  return for_kind(kind, [](auto tag) -> Kernel { return &blend<decltype(tag)>; });
}
Kernel blend_present_kernel(Kind kind) {
  return for_kind(kind, [](auto tag) -> Kernel { return &blend_present<decltype(tag)>; });
}
Kernel spread_kernel(Kind kind) {
  return for_kind(kind, [](auto tag) -> Kernel { return &spread<decltype(tag)>; });
}

void is_null_kernel(Frame& frame, const Instruction& in) {
  const std::uint8_t* valid = frame.valid(in.a);
  auto* d = frame.values<std::uint8_t>(in.dst);
  for (std::size_t i = 0; i < frame.lanes(); ++i) d[i] = truth(!is_present(valid, i));
  frame.set_all_valid(in.dst);
}

void not_kernel(Frame& frame, const Instruction& in) {
  const auto* a = frame.values<std::uint8_t>(in.a);
  auto* d = frame.values<std::uint8_t>(in.dst);
  for (std::size_t i = 0; i < frame.lanes(); ++i) d[i] = static_cast<std::uint8_t>(a[i] ^ 1U);
  frame.copy_valid(in.dst, in.a);
}

void and_kernel(Frame& frame, const Instruction& in) { conjunction<false>(frame, in); }
void or_kernel(Frame& frame, const Instruction& in) { conjunction<true>(frame, in); }

void start_mask_kernel(Frame& frame, const Instruction& in) {
  auto* d = frame.values<std::uint8_t>(in.dst);
  if (in.b == kNoRegister)
    std::memset(d, 1, frame.lanes());
  else
    std::memcpy(d, frame.values<std::uint8_t>(in.b), frame.lanes());
}

void split_mask_kernel(Frame& frame, const Instruction& in) {
  const auto* a = frame.values<std::uint8_t>(in.a);
  const std::uint8_t* valid = frame.valid(in.a);
  auto* remaining = frame.values<std::uint8_t>(in.b);
  auto* d = frame.values<std::uint8_t>(in.dst);
  const std::size_t lanes = frame.lanes();
  for (std::size_t i = 0; i < lanes; ++i)
    d[i] = static_cast<std::uint8_t>(remaining[i] & truth(a[i] != 0));
  for (std::size_t i = 0; valid != nullptr && i < lanes; ++i)
    d[i] = static_cast<std::uint8_t>(d[i] & valid[i]);
  for (std::size_t i = 0; i < lanes; ++i)
    remaining[i] = static_cast<std::uint8_t>(remaining[i] ^ d[i]);
}

template <bool kDeciding>
static void unless_decided(Frame& frame, const Instruction& in) {
  const auto* a = frame.values<std::uint8_t>(in.a);
  const std::uint8_t* valid = frame.valid(in.a);
  const std::uint8_t* mask = in.b == kNoRegister ? nullptr : frame.values<std::uint8_t>(in.b);
  auto* d = frame.values<std::uint8_t>(in.dst);
  for (std::size_t i = 0; i < frame.lanes(); ++i) {
    const bool decided = is_present(valid, i) && (a[i] != 0) == kDeciding;
    d[i] = truth(!decided && (mask == nullptr || mask[i] != 0));
  }
}
void unless_false_kernel(Frame& frame, const Instruction& in) { unless_decided<false>(frame, in); }
void unless_true_kernel(Frame& frame, const Instruction& in) { unless_decided<true>(frame, in); }

}  // namespace martlet::expr
