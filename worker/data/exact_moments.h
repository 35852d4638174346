// Moments of numbers that do not depend on the order in which they come.
#pragma once

#include <cstdint>
#include <limits>

#include "common/bytes.h"
#include "common/exact_sum.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::data {

/// The count, the range and the exact sums of numbers and of their squares. Merged in any order and
/// grouped in any way, they are equal bit by bit, and so are the moments that they round to. A
/// plain value of about 1.1 KiB; allocates nothing.
class ExactMoments {
 public:
  /// The largest magnitude of a number.
  static constexpr double kMost = 1e100;

  /// REQUIRES: |x| <= kMost.
  void Add(double x);
  void Merge(const ExactMoments& other);

  int64_t n() const { return n_; }
  /// Whether all numbers are equal. REQUIRES: there is one.
  bool IsConstant() const { return least_ == most_; }
  /// The moments, rounded. The mean of equal numbers is that number, and their m2 is 0.
  Moments Rounded() const;

  void Write(ByteWriter* out) const;
  /// The inverse of Write. Throws Error, by way of `in`, on bytes that Write did not write, and for
  /// more than n_max numbers.
  static ExactMoments Read(ByteReader* in, int64_t n_max);

 private:
  double Mean() const;
  /// The sum of squared deviations from `mean`, rounded once.
  double SquaresAround(double mean) const;

  int64_t n_ = 0;
  double least_ = std::numeric_limits<double>::infinity();
  double most_ = -std::numeric_limits<double>::infinity();
  ExactSum sum_;
  /// Squares too small for a double are rounded, each by itself.
  ExactSum squares_;
};

}  // namespace zhiyin::worker::data
