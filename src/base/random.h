// base/random.h: where randomness comes from, such that a seed replays a whole run.
//
// SeededRandom is a fixed algorithm (never the standard library's, whose distributions differ
// between implementations): its sequence for a seed is part of what reproduces a run. One thread at
// a time. Secrets never come from here.
#pragma once
#include <cstdint>
#include <string>

namespace martlet {

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;

  // Uniform in [0, bound), without bias (Lemire's multiply-and-reject). bound >= 1.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Standard normal (Marsaglia's polar method).
  double normal();
  // Lower-case hex digits.
  std::string hex(int digits);
};

// xoshiro256** (Blackman and Vigna 2018), seeded through splitmix64.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  std::uint64_t next() override;

 private:
  std::uint64_t state_[4];
};

}  // namespace martlet
