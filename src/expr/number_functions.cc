// Arithmetic and mathematics. Integers never wrap: an overflow is a failure. Numbers follow IEEE
// 754, with DuckDB 1.5.5's refusals.
#include "expr/internal/functions.h"
#include "expr/internal/kernel.h"

#include <cmath>
#include <limits>

namespace martlet::expr {
namespace {

using Int = std::int64_t;
constexpr Int kLowest = std::numeric_limits<Int>::min();

constexpr const char* kOverflow =
    "the result is beyond the integers of 64 bits; cast an operand to double";
constexpr const char* kNoLogarithm = "zero and negative numbers have no logarithm";

struct AddInt {
  static Outcome apply(const Context&, Int a, Int b, Int& d) {
    return __builtin_add_overflow(a, b, &d) ? Outcome::Failure : Outcome::Value;
  }
};
struct SubtractInt {
  static Outcome apply(const Context&, Int a, Int b, Int& d) {
    return __builtin_sub_overflow(a, b, &d) ? Outcome::Failure : Outcome::Value;
  }
};
struct MultiplyInt {
  static Outcome apply(const Context&, Int a, Int b, Int& d) {
    return __builtin_mul_overflow(a, b, &d) ? Outcome::Failure : Outcome::Value;
  }
};
struct DivideInt {
  static Outcome apply(const Context&, Int a, Int b, Int& d) {
    if (b == 0) return Outcome::Missing;
    if (a == kLowest && b == -1) return Outcome::Failure;
    d = a / b;
    return Outcome::Value;
  }
};
struct RemainderInt {
  static Outcome apply(const Context&, Int a, Int b, Int& d) {
    if (b == 0) return Outcome::Missing;
    if (a == kLowest && b == -1) return Outcome::Failure;
    d = a % b;
    return Outcome::Value;
  }
};
struct NegateInt {
  static Outcome apply(const Context&, Int a, Int& d) {
    return __builtin_sub_overflow(Int{0}, a, &d) ? Outcome::Failure : Outcome::Value;
  }
};
struct AbsInt {
  static Outcome apply(const Context&, Int a, Int& d) {
    if (a == kLowest) return Outcome::Failure;
    d = a < 0 ? -a : a;
    return Outcome::Value;
  }
};
struct SignInt {
  static Int apply(const Context&, Int a) { return a > 0 ? 1 : a < 0 ? -1 : 0; }
};
struct SameInt {
  static Int apply(const Context&, Int a) { return a; }
};
struct RoundIntTo {
  // Half away from zero, to 10^-b.
  static Outcome apply(const Context&, Int a, Int b, Int& d) {
    d = a;
    if (b >= 0) return Outcome::Value;
    if (b < -19) {
      d = 0;
      return Outcome::Value;
    }
    __extension__ typedef __int128 Wide;
    Wide power = 1;
    for (Int k = 0; k < -b; ++k) power *= 10;
    const Wide rounded = (static_cast<Wide>(a) + (a < 0 ? -power / 2 : power / 2)) / power * power;
    if (rounded > std::numeric_limits<Int>::max() || rounded < kLowest) return Outcome::Failure;
    d = static_cast<Int>(rounded);
    return Outcome::Value;
  }
};

struct Add {
  static double apply(const Context&, double a, double b) { return a + b; }
};
struct Subtract {
  static double apply(const Context&, double a, double b) { return a - b; }
};
struct Multiply {
  static double apply(const Context&, double a, double b) { return a * b; }
};
struct Divide {
  static double apply(const Context&, double a, double b) { return a / b; }
};
// DuckDB's // on DOUBLE divides without rounding and gives null for a zero divisor.
struct DivideWhole {
  static Outcome apply(const Context&, double a, double b, double& d) {
    if (b == 0) return Outcome::Missing;
    d = a / b;
    return Outcome::Value;
  }
};
struct Remainder {
  static double apply(const Context&, double a, double b) { return std::fmod(a, b); }
};
struct Power {
  static double apply(const Context&, double a, double b) { return std::pow(a, b); }
};
struct ArcTangent2 {
  static double apply(const Context&, double a, double b) { return std::atan2(a, b); }
};
struct LogBase {
  static Outcome apply(const Context&, double base, double x, double& d) {
    if (base <= 0 || x <= 0) return Outcome::Failure;
    const double divisor = std::log10(base);
    if (divisor == 0) return Outcome::Failure;
    d = std::log10(x) / divisor;
    return Outcome::Value;
  }
};
struct RoundTo {
  // As DuckDB: scaled by a power of ten, rounded half away from zero, scaled back.
  static double apply(const Context&, double a, Int b) {
    if (b < 0) {
      const double scale = std::pow(10.0, -static_cast<double>(b));
      const double rounded = std::round(a / scale) * scale;
      return std::isfinite(rounded) ? rounded : 0.0;
    }
    const double scale = std::pow(10.0, static_cast<double>(b));
    const double rounded = std::round(a * scale) / scale;
    return std::isfinite(rounded) ? rounded : a;
  }
};
struct SignOf {
  static Int apply(const Context&, double a) { return a > 0 ? 1 : a < 0 ? -1 : 0; }
};

template <double (*kFunction)(double)>
struct Plain {
  static double apply(const Context&, double a) { return kFunction(a); }
};
template <double (*kFunction)(double), bool (*kAllowed)(double)>
struct Guarded {
  static Outcome apply(const Context&, double a, double& d) {
    if (!kAllowed(a)) return Outcome::Failure;
    d = kFunction(a);
    return Outcome::Value;
  }
};
template <bool (*kFunction)(double)>
struct Test {
  static std::uint8_t apply(const Context&, double a) { return truth(kFunction(a)); }
};

double negate(double a) { return -a; }
double absolute(double a) { return std::fabs(a); }
double floor_of(double a) { return std::floor(a); }
double ceil_of(double a) { return std::ceil(a); }
double round_of(double a) { return std::round(a); }
double trunc_of(double a) { return std::trunc(a); }
double exp_of(double a) { return std::exp(a); }
double sqrt_of(double a) { return std::sqrt(a); }
double ln_of(double a) { return std::log(a); }
double log10_of(double a) { return std::log10(a); }
double log2_of(double a) { return std::log2(a); }
double sin_of(double a) { return std::sin(a); }
double cos_of(double a) { return std::cos(a); }
double tan_of(double a) { return std::tan(a); }
double cot_of(double a) { return 1.0 / std::tan(a); }
double asin_of(double a) { return std::asin(a); }
double acos_of(double a) { return std::acos(a); }
double atan_of(double a) { return std::atan(a); }
double degrees_of(double a) { return a * (180 / 3.14159265358979323846); }
double radians_of(double a) { return a * (3.14159265358979323846 / 180); }
bool is_nan(double a) { return std::isnan(a); }
bool is_finite(double a) { return std::isfinite(a); }
bool is_infinite(double a) { return std::isinf(a); }
bool not_negative(double a) { return !(a < 0); }
bool has_logarithm(double a) { return !(a <= 0); }
bool not_infinite(double a) { return !std::isinf(a); }
bool has_cotangent(double a) { return !std::isinf(a) && a != 0; }
bool within_one(double a) { return !(a < -1 || a > 1); }

std::vector<Overload> make() {
  using enum Kind;
  constexpr const char* kInfinite = "the function has no value at infinity";
  constexpr const char* kWithinOne = "the function is defined from -1 to 1 only";
  std::vector<Overload> all = {
      {"+", {Int64, Int64}, Int64, &checked_binary<AddInt>, kOverflow},
      {"+", {Double, Double}, Double, &binary<Add>},
      {"-", {Int64, Int64}, Int64, &checked_binary<SubtractInt>, kOverflow},
      {"-", {Double, Double}, Double, &binary<Subtract>},
      {"-", {Int64}, Int64, &checked_unary<NegateInt>, kOverflow},
      {"-", {Double}, Double, &unary<Plain<negate>>},
      {"*", {Int64, Int64}, Int64, &checked_binary<MultiplyInt>, kOverflow},
      {"*", {Double, Double}, Double, &binary<Multiply>},
      {"/", {Double, Double}, Double, &binary<Divide>},
      {"//", {Int64, Int64}, Int64, &checked_binary<DivideInt>, kOverflow},
      {"//", {Double, Double}, Double, &checked_binary<DivideWhole>},
      {"abs", {Int64}, Int64, &checked_unary<AbsInt>, kOverflow},
      {"abs", {Double}, Double, &unary<Plain<absolute>>},
      {"sign", {Int64}, Int64, &unary<SignInt>},
      {"sign", {Double}, Int64, &unary<SignOf>},
      {"floor", {Double}, Double, &unary<Plain<floor_of>>},
      {"ceil", {Double}, Double, &unary<Plain<ceil_of>>},
      {"ceiling", {Double}, Double, &unary<Plain<ceil_of>>},
      {"round", {Int64}, Int64, &unary<SameInt>},
      {"round", {Double}, Double, &unary<Plain<round_of>>},
      {"round", {Int64, Int64}, Int64, &checked_binary<RoundIntTo>, kOverflow},
      {"round", {Double, Int64}, Double, &binary<RoundTo>},
      {"trunc", {Int64}, Int64, &unary<SameInt>},
      {"trunc", {Double}, Double, &unary<Plain<trunc_of>>},
      {"sqrt",
       {Double},
       Double,
       &checked_unary<Guarded<sqrt_of, not_negative>>,
       "a negative number has no square root"},
      {"ln", {Double}, Double, &checked_unary<Guarded<ln_of, has_logarithm>>, kNoLogarithm},
      {"log", {Double}, Double, &checked_unary<Guarded<log10_of, has_logarithm>>, kNoLogarithm},
      {"log",
       {Double, Double},
       Double,
       &checked_binary<LogBase>,
       "zero and negative numbers have no logarithm, and 1 is no base"},
      {"log10", {Double}, Double, &checked_unary<Guarded<log10_of, has_logarithm>>, kNoLogarithm},
      {"log2", {Double}, Double, &checked_unary<Guarded<log2_of, has_logarithm>>, kNoLogarithm},
      {"exp", {Double}, Double, &unary<Plain<exp_of>>},
      {"sin", {Double}, Double, &checked_unary<Guarded<sin_of, not_infinite>>, kInfinite},
      {"cos", {Double}, Double, &checked_unary<Guarded<cos_of, not_infinite>>, kInfinite},
      {"tan", {Double}, Double, &checked_unary<Guarded<tan_of, not_infinite>>, kInfinite},
      {"cot",
       {Double},
       Double,
       &checked_unary<Guarded<cot_of, has_cotangent>>,
       "the cotangent has no value at zero and infinity"},
      {"asin", {Double}, Double, &checked_unary<Guarded<asin_of, within_one>>, kWithinOne},
      {"acos", {Double}, Double, &checked_unary<Guarded<acos_of, within_one>>, kWithinOne},
      {"atan", {Double}, Double, &unary<Plain<atan_of>>},
      {"atan2", {Double, Double}, Double, &binary<ArcTangent2>},
      {"degrees", {Double}, Double, &unary<Plain<degrees_of>>},
      {"radians", {Double}, Double, &unary<Plain<radians_of>>},
      {"isnan", {Double}, Bool, &unary<Test<is_nan>>},
      {"isfinite", {Double}, Bool, &unary<Test<is_finite>>},
      {"isinf", {Double}, Bool, &unary<Test<is_infinite>>},
  };
  for (const std::string_view name : {"%", "mod"}) {
    all.push_back({name, {Int64, Int64}, Int64, &checked_binary<RemainderInt>, kOverflow});
    all.push_back({name, {Double, Double}, Double, &binary<Remainder>});
  }
  for (const std::string_view name : {"**", "pow", "power"})
    all.push_back({name, {Double, Double}, Double, &binary<Power>});
  return all;
}

}  // namespace

std::span<const Overload> number_overloads() {
  static const std::vector<Overload> all = make();
  return all;
}

}  // namespace martlet::expr
