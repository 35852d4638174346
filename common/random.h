// Random numbers that do not depend on machine, compiler or run.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>

#include "common/hash.h"

namespace zhiyin {

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a counter, mixed. Copyable, 8 bytes, any seed
/// is good.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(Mix(seed + 0x9e3779b97f4a7c15ull)) {}
  /// A stream of its own for each tuple of numbers: Random(seed, epoch, slice).
  template <typename... More>
  Random(uint64_t first, uint64_t second, More... more)
      : Random(Mix(first) ^ (second + 0x632be59bd9b4e019ull), more...) {}

  uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15ull); }

  /// Uniform in [0, n). REQUIRES: n > 0. Multiply-shift (Lemire, 2019) without rejection: the bias
  /// is n / 2^64.
  uint64_t Below(uint64_t n) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * n) >> 64);
  }

  /// Uniform in [0, 1), 53 bits.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  /// Standard normal (Box and Muller, 1958), one value a call: the state advances by exactly two
  /// draws.
  double Normal() {
    const double u = 1.0 - Uniform();
    const double v = Uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
  }

  /// Shuffles in place (Fisher and Yates, as in Durstenfeld, 1964).
  template <typename T>
  void Shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }

 private:
  uint64_t state_;
};

}  // namespace zhiyin
