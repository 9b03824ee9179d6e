#include "features/internal/node.h"

#include "features/internal/calendar.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace martlet::features {
namespace {

using columns::Cell;
using columns::Type;

// Days beyond this (some 270,000 years) are no date; their year wouldn't fit either.
constexpr std::int64_t kMaxDays = 100'000'000;

double* write_one_of(int place, std::size_t width, double* out) {
  std::fill(out, out + width, 0.0);
  if (place >= 0) out[place] = 1;
  return out + width;
}

bool local_moment(const Cell& cell, const Zone& zone, LocalMoment& moment) {
  if (cell.missing) return false;
  if (cell.type == Type::Date) {
    if (cell.integer < -kMaxDays || cell.integer > kMaxDays) return false;
    moment = LocalMoment::of_days(cell.integer);
  } else {
    moment = LocalMoment::of_micros(zone.local_micros({cell.integer}));
  }
  return true;
}

bool goes_round(const Node& node, Part part) { return node.cyclic && period_of(part) > 0; }

void write_parts(const Node& node, const Cell& cell, const Zone& zone, double* out) {
  LocalMoment moment;
  const bool present = local_moment(cell, zone, moment);
  const Tail* tail = node.tails.data();
  for (const Part part : node.parts) {
    const double value = present ? part_of(moment, part) : kNotANumber;
    if (!goes_round(node, part)) {
      out = (tail++)->write(value, out);
      continue;
    }
    // A missing time is put in the middle of the circle.
    const double angle = 2 * std::numbers::pi * value / period_of(part);
    *out++ = present ? std::sin(angle) : 0;
    *out++ = present ? std::cos(angle) : 0;
  }
}

}  // namespace

double Tail::prepared(double value) const {
  if (finite_only && !std::isfinite(value)) value = kNotANumber;
  if (std::isnan(value)) return fill;
  return clipped ? std::clamp(value, low, high) : value;
}

double* Tail::write(double value, double* out) const {
  const bool missing = std::isnan(value) || (finite_only && !std::isfinite(value));
  const double ready = prepared(value);
  *out++ = scaled ? (ready - centre) / scale : ready;
  if (indicator) *out++ = missing ? 1 : 0;
  return out;
}

std::size_t Node::width() const {
  std::size_t width = 0;
  for (const Tail& tail : tails) width += tail.width();
  if (kind == NodeKind::OneHot)
    return categories.size() + (has_other ? 1 : 0) + (has_missing ? 1 : 0);
  if (kind == NodeKind::Hash) return as_codes ? 1 : static_cast<std::size_t>(buckets);
  if (kind == NodeKind::Parts) {
    for (const Part part : parts) width += goes_round(*this, part) ? 2 : 0;
  }
  return width;
}

int Node::code_of(const Cell& cell) const {
  const int code = categories.find(cell);
  return code == kMissing ? fill_code : code;
}

const double* Node::encoded_for(int code) const {
  if (code == kMissing) return encoded_missing.data();
  if (code == kUnseen) return prior.data();
  return encoded.data() + static_cast<std::size_t>(code) * static_cast<std::size_t>(outputs);
}

void Node::write_encoded(const double* values, double* out) const {
  for (int i = 0; i < outputs; ++i) out = tails[static_cast<std::size_t>(i)].write(values[i], out);
}

void Node::write(const Cell& cell, const Zone& zone, double* out) const {
  switch (kind) {
    case NodeKind::Number: tails[0].write(cell.as_double(), out); return;
    case NodeKind::Ordinal: {
      const int code = code_of(cell);
      tails[0].write(code >= 0 ? code : kNotANumber, out);
      return;
    }
    case NodeKind::OneHot: {
      const int code = code_of(cell);
      const int known = static_cast<int>(categories.size());
      const int missing_place = has_missing ? known + (has_other ? 1 : 0) : -1;
      const int other_place = has_other ? known : -1;
      write_one_of(code >= 0 ? code : code == kMissing ? missing_place : other_place, width(), out);
      return;
    }
    case NodeKind::Target: write_encoded(encoded_for(code_of(cell)), out); return;
    case NodeKind::Hash: {
      const bool missing = is_missing_category(cell);
      const int bucket =
          missing ? -1
                  : static_cast<int>(category_hash(cell) % static_cast<std::uint64_t>(buckets));
      if (as_codes) {
        *out = missing ? kNotANumber : bucket;
      } else {
        write_one_of(bucket, static_cast<std::size_t>(buckets), out);
      }
      return;
    }
    case NodeKind::Parts: write_parts(*this, cell, zone, out); return;
  }
}

void Node::write_all(const columns::Column& values, const Zone& zone, double* out,
                     std::size_t width) const {
  const std::size_t rows = values.size();
  // Amounts, which most columns are, without a cell in between.
  if (kind == NodeKind::Number && values.type() == Type::Double && values.missing_count() == 0) {
    const Tail& tail = tails[0];
    for (const double value : values.doubles()) {
      tail.write(value, out);
      out += width;
    }
    return;
  }
  if (kind == NodeKind::Number && values.type() == Type::Int64 && values.missing_count() == 0) {
    const Tail& tail = tails[0];
    for (const std::int64_t value : values.int64s()) {
      tail.write(static_cast<double>(value), out);
      out += width;
    }
    return;
  }
  for (std::size_t row = 0; row < rows; ++row, out += width) write(values.cell(row), zone, out);
}

}  // namespace martlet::features
