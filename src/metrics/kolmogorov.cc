// The distributions behind the two-sample Kolmogorov–Smirnov test. Which formula serves which n and
// distance follows R. Simard, P. L'Ecuyer, "Computing the two-sided Kolmogorov–Smirnov
// distribution", J. Stat. Softw. 39 (2011), as scipy 1.17 does, so that the approximations' own
// errors (up to about 1e-7) agree as well.
#include "base/result.h"
#include "metrics/distances.h"
#include "metrics/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <vector>

namespace martlet::metrics {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kTwoTo128 = 0x1p128;

// ln(n!) - ln(√(2πn) (n/e)^n). Source: C. Loader, "Fast and accurate computation of binomial
// probabilities" (2000), §3.
double stirling_error(double n) {
  if (n < 16) return std::lgamma(n + 1) - (n + 0.5) * std::log(n) + n - 0.5 * std::log(2 * kPi);
  const double square = n * n;
  return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / square) / square) / square) / n;
}

// Pr(D⁺_n >= x): Σ_{v=0}^{⌊n(1-x)⌋} x/(x+v/n) · Binomial(v; n, x+v/n). Source: Birnbaum and Tingey,
// Ann. Math. Stat. 22 (1951), eq. 3.0.
double one_sided_tail(std::int64_t n, double x) {
  const auto count = static_cast<double>(n);
  const auto last = static_cast<std::int64_t>(std::floor(count * (1 - x)));
  const double shift = count * x;
  const double all_error = stirling_error(count);
  Summation tail;
  tail.add(std::exp(count * std::log1p(-x)));  // v = 0
  for (std::int64_t v = 1; v <= last && v < n; ++v) {
    const auto hits = static_cast<double>(v);
    const double rest = count - hits;
    if (rest <= shift) continue;  // 0^rest
    // ln of the binomial probability by Loader's saddle point; np - v is `shift` exactly, so the
    // two deviances need no subtraction.
    const double deviance = hits * std::log1p(shift / hits) + rest * std::log1p(-shift / rest);
    const double log_term = all_error - stirling_error(hits) - stirling_error(rest) + deviance;
    tail.add(shift / (shift + hits) * std::sqrt(count / (2 * kPi * hits * rest)) *
             std::exp(log_term));
  }
  return tail.value();
}

// Pr(D_n < d) exactly, by Durbin's matrix. Source: G. Marsaglia, W. W. Tsang, J. Wang, J. Stat.
// Softw. 8 (2003). O((n d)³ log n).
double matrix_distribution(std::int64_t n, double d) {
  const double nd = static_cast<double>(n) * d;
  const auto k = static_cast<std::size_t>(std::ceil(nd));
  const double h = static_cast<double>(k) - nd;
  const std::size_t m = 2 * k - 1;
  std::vector<double> matrix(m * m, 0.0);
  std::vector<double> edge(m);
  double factorial = 1.0;  // 1/j!
  std::vector<double> inverse(m + 1);
  for (std::size_t j = 0; j <= m; ++j) {
    inverse[j] = factorial;
    factorial /= static_cast<double>(j + 1);
  }
  for (std::size_t j = 0; j < m; ++j)
    edge[j] = (1.0 - std::pow(h, static_cast<double>(j + 1))) * inverse[j + 1];
  edge[m - 1] = (1.0 - 2 * std::pow(h, static_cast<double>(m)) +
                 std::pow(std::max(2 * h - 1, 0.0), static_cast<double>(m))) *
                inverse[m];
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t column = 1; column < m && column <= row + 1; ++column)
      matrix[row * m + column] = inverse[row + 1 - column];
    matrix[row * m] = edge[row];
  }
  for (std::size_t column = 0; column < m; ++column)
    matrix[(m - 1) * m + column] = edge[m - 1 - column];

  const auto times = [m](const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> product(m * m, 0.0);
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t l = 0; l < m; ++l) {
        const double factor = a[i * m + l];
        if (factor == 0.0) continue;
        for (std::size_t j = 0; j < m; ++j) product[i * m + j] += factor * b[l * m + j];
      }
    }
    return product;
  };
  std::vector<double> power(m * m, 0.0);
  for (std::size_t i = 0; i < m; ++i) power[i * m + i] = 1.0;
  int exponent = 0;
  int matrix_exponent = 0;
  for (std::int64_t left = n; left > 0; left /= 2) {
    if (left % 2 == 1) {
      power = times(power, matrix);
      exponent += matrix_exponent;
    }
    if (left == 1) break;
    matrix = times(matrix, matrix);
    matrix_exponent *= 2;
    if (std::abs(matrix[(k - 1) * m + (k - 1)]) > kTwoTo128) {
      for (double& value : matrix) value /= kTwoTo128;
      matrix_exponent += 128;
    }
  }
  double p = power[(k - 1) * m + (k - 1)];
  for (std::int64_t i = 1; i <= n; ++i) {
    p = static_cast<double>(i) * p / static_cast<double>(n);
    if (std::abs(p) < 1 / kTwoTo128) {
      p *= kTwoTo128;
      exponent -= 128;
    }
  }
  return std::ldexp(p, exponent);
}

// Pr(D_n < x), K0 + K1/√n + K2/n + K3/n^1.5. Source: W. Pelz, I. J. Good, J. R. Stat. Soc. B 38
// (1976), in the form for small z.
double series_distribution(std::int64_t n, double x) {
  const double z = std::sqrt(static_cast<double>(n)) * x;
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double z6 = z4 * z2;
  const double pi2 = kPi * kPi;
  const double log_q = -pi2 / 8 / z2;
  if (log_q < -708) return 0.0;
  double terms[4] = {0, 0, 0, 0};
  const auto last = static_cast<int>(std::ceil(16 * z / kPi));
  for (int k = last; k >= 1; --k) {
    const double odd = 2 * k - 1;
    const double m2 = odd * odd;
    const double m4 = m2 * m2;
    const double m6 = m4 * m2;
    const double q = std::exp(log_q * m2);
    terms[0] += q;
    terms[1] += q * (-z2 + pi2 / 4 * m2);
    terms[2] += q * (6 * z6 + 2 * z4 + (2 * z4 - 5 * z2) * pi2 / 4 * m2 +
                     pi2 * pi2 * (1 - 2 * z2) / 16 * m4);
    terms[3] += q * (-30 * z6 - 90 * z4 * z4 + pi2 * (135 * z4 - 96 * z6) / 4 * m2 +
                     pi2 * pi2 * (-60 * z2 + 212 * z4) / 16 * m4 +
                     pi2 * pi2 * pi2 * (5 - 30 * z2) / 64 * m6);
  }
  const double root = std::sqrt(2 * kPi);
  terms[0] *= root / z;
  terms[1] *= root / (6 * z4);
  terms[2] *= root / (72 * z6 * z);
  terms[3] *= root / (6480 * z6 * z4);
  double second = 0;
  double third = 0;
  for (int k = last; k >= 1; --k) {
    const double k2 = static_cast<double>(k) * k;
    const double q = std::exp(-pi2 / 2 / z2 * k2);
    second += k2 * q;
    third += (3 * z2 - pi2 * k2) * k2 * q;
  }
  terms[2] += second * pi2 * root / (-36 * z2 * z);
  terms[3] += third * pi2 * root / (216 * z6);
  const double root_n = std::sqrt(static_cast<double>(n));
  return terms[0] + terms[1] / root_n + terms[2] / (root_n * root_n) +
         terms[3] / (root_n * root_n * root_n);
}

double clip(double p) { return std::clamp(p, 0.0, 1.0); }

// For samples of one size. P = 2 A0 (1 - A1 (1 - A2 (…))), A_i = Π_{j<h} (n - ih - j) / (n + ih + j
// + 1).
double square_tail(std::int64_t n, std::int64_t h) {
  double p = 0;
  for (std::int64_t k = n / h; k >= 0; --k) {
    double product = 1;
    for (std::int64_t j = 0; j < h; ++j) {
      product =
          static_cast<double>(n - k * h - j) * product / static_cast<double>(n + k * h + j + 1);
    }
    p = product * (1 - p);
  }
  return 2 * p;
}

}  // namespace

double kolmogorov_tail(std::int64_t n, double distance) {
  MARTLET_CHECK(n >= 1, "a sample has values");
  const auto count = static_cast<double>(n);
  if (distance >= 1) return 0.0;
  const double t = count * distance;
  if (t <= 0.5) return 1.0;
  if (t <= 1) {  // Ruben and Gambino: n! (2d - 1/n)^n
    return clip(1.0 - std::exp(std::lgamma(count + 1) - count * std::log(count) +
                               count * std::log(2 * t - 1)));
  }
  if (t >= count - 1) return clip(2 * std::pow(1 - distance, count));
  if (distance >= 0.5) return clip(2 * one_sided_tail(n, distance));
  const double scaled = t * distance;
  if (n <= 140)
    return clip(scaled <= 4 ? 1.0 - matrix_distribution(n, distance)
                            : 2 * one_sided_tail(n, distance));
  if (scaled >= 370) return 0.0;
  if (scaled >= 2.2) return clip(2 * one_sided_tail(n, distance));
  const bool small = n <= 100'000 && count * std::pow(distance, 1.5) <= 1.4;
  return clip(1.0 - (small ? matrix_distribution(n, distance) : series_distribution(n, distance)));
}

double smirnov_exact_tail(std::int64_t a, std::int64_t b, double distance) {
  MARTLET_CHECK(a >= 1 && b >= 1, "a sample has values");
  const std::int64_t m = std::max(a, b);
  const std::int64_t n = std::min(a, b);
  const std::int64_t divisor = std::gcd(m, n);
  const std::int64_t m_part = m / divisor;
  const std::int64_t n_part = n / divisor;
  // The distance in units of 1 / lcm(m, n): a whole number.
  const auto h = static_cast<std::int64_t>(
      std::nearbyint(distance * static_cast<double>(m_part) * static_cast<double>(n)));
  if (h == 0) return 1.0;
  // Below the smallest double, by the two-sample Dvoretzky–Kiefer–Wolfowitz inequality (Wei and
  // Dudley 2012): spares the walk below.
  const double effective =
      static_cast<double>(m) * static_cast<double>(n) / static_cast<double>(m + n);
  if (effective * distance * distance > 390) return 0.0;
  if (m == n) return clip(square_tail(n, h));

  // share[j]: of the equally likely paths from (0, 0) to (i, j), the share that touched |n_part·x -
  // m_part·y| >= h on the way. The last step came from (i-1, j) in i of i + j cases. Only the band
  // between the two lines is kept; outside of it the share is 1.
  const auto below = [&](std::int64_t i) {  // smallest j inside the band
    const std::int64_t numerator = n_part * i - h;
    return numerator < 0 ? std::int64_t{0} : std::min(numerator / m_part + 1, n);
  };
  const auto above = [&](std::int64_t i) {  // one past the largest j inside it
    return std::min((n_part * i + h + m_part - 1) / m_part, n + 1);
  };
  std::vector<double> share(static_cast<std::size_t>(n) + 2, 1.0);
  std::fill(share.begin(), share.begin() + above(0), 0.0);
  std::int64_t end_before = above(0);
  for (std::int64_t i = 1; i <= m; ++i) {
    const std::int64_t begin = below(i);
    const std::int64_t end = above(i);
    if (end <= begin) return 1.0;
    double left = begin == 0 ? 0.0 : 1.0;  // (i, begin - 1)
    const auto x = static_cast<double>(i);
    for (std::int64_t j = begin; j < end; ++j) {
      const auto y = static_cast<double>(j);
      const double from = j < end_before ? share[static_cast<std::size_t>(j)] : 1.0;
      left = (from * x + left * y) / (x + y);
      share[static_cast<std::size_t>(j)] = left;
    }
    end_before = end;
  }
  return clip(share[static_cast<std::size_t>(n)]);
}

}  // namespace martlet::metrics
