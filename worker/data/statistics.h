// Plain statistics of the data.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace zhiyin::worker::data {

/// Count, mean and sum of squared deviations of a number (Welford, 1962), which can be merged (Chan
/// et al., 1979).
struct Moments {
  int64_t n = 0;
  double mean = 0;
  double m2 = 0;

  void Add(double x);
  void Merge(const Moments& other);
  /// Population standard deviation; 0 when n is 0.
  double Stddev() const;
};

/// The smallest and the largest of some labels.
struct LabelRange {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();

  /// Whether there was no label.
  bool IsEmpty() const { return least > most; }
  void Add(double label);
  void Merge(const LabelRange& other);
};

/// Sums over the examples that have the label of a task, with their weights (Examples::weights).
struct LabelSums {
  double weight = 0;     // of the examples
  double label = 0;      // weight times label
  double positives = 0;  // weight of those whose label is 1
};

/// The smallest standard deviation that numerics are divided by. The squares of smaller deviations
/// are near the smallest normal double, 2.2e-308, where they are rounded.
inline constexpr double kLeastStddev = 1e-150;

/// Replaces each numeric x by (x - mean) * scale, in doubles, so that the digits of x that an
/// offset takes up are not missing in the difference. A missing value is taken to be the mean,
/// which is 0 where numerics are standardised.
struct Normalizer {
  std::vector<double> mean;   // [n_numerics]
  std::vector<double> scale;  // [n_numerics]: 1 / stddev; 1 where the stddev is 0
  /// Normalizes [n, n_numerics] in place.
  void Apply(std::span<double> numerics) const;
};

}  // namespace zhiyin::worker::data
