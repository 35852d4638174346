// Sums of doubles without rounding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/bytes.h"

namespace zhiyin {

/// The exact sum of doubles in fixed point: the small superaccumulator of Neal ("Fast exact
/// summation using small and large superaccumulators", arXiv:1505.05571, 2015, section 2). Only
/// Value() rounds, so the result does not depend on the order of the terms or on how they are
/// grouped. A plain value of about 550 bytes; allocates nothing.
class ExactSum {
 public:
  /// Adds a term. REQUIRES: it is finite.
  void Add(double x);
  void Add(const ExactSum& other);

  /// The sum, rounded to the nearest double, ties to even; an infinity where it is beyond the
  /// largest one.
  double Value() const;

  /// Writes the sum in a few bytes: those of its digits that are not 0.
  void Write(ByteWriter* out) const;
  /// The inverse of Write. Throws Error, by way of `in`, on bytes that Write did not write, and
  /// where the sum is not finite.
  static ExactSum Read(ByteReader* in);

 private:
  /// Digit i counts 2^(32 i - 1075). Two more digits than the largest double needs hold the carry
  /// of 2^64 terms.
  static constexpr size_t kDigits = 67;
  static constexpr int kLowestExponent = -1075;
  /// Terms that can be added before a digit could overflow.
  static constexpr int32_t kMaxPending = int32_t{1} << 29;

  /// Brings every digit to 0 to 2^32 exclusive, but for the highest, which has the sign.
  void Carry();
  /// Returns the magnitude of the sum, in such digits, and sets *is_negative.
  ExactSum Magnitude(bool* is_negative) const;

  std::array<int64_t, kDigits> digits_{};
  int32_t n_pending_ = 0;  // terms added since the last Carry
};

}  // namespace zhiyin
