// What the first pass over the training rows finds, exactly the same whoever reads which block.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/rows.h"

namespace zhiyin::worker::data {

/// Count, mean and sum of squared deviations of a number (Welford, 1962), mergeable (Chan et al.,
/// 1979).
struct Moments {
  int64_t n = 0;
  double mean = 0;
  double m2 = 0;

  void Add(double x);
  void Merge(const Moments& other);
  /// Population standard deviation; 0 when n is 0.
  double Stddev() const;
};

/// What one block holds.
struct BlockSummary {
  int64_t n_rows = 0;
  int64_t n_bad = 0;
  /// "file:line: ..." of the first malformed line; empty when there is none.
  std::string first_bad;
  std::vector<Moments> numerics;    // [n_numerics], of the values that are known
  std::vector<int64_t> n_observed;  // [n_tasks], labels that are known

  static BlockSummary Of(const Rows& rows);
};

/// Summaries by block. Every worker summarises its own blocks; the union is the same whatever their
/// number.
using BlockSummaries = std::map<int64_t, BlockSummary>;

std::string Serialize(const BlockSummaries& summaries);
/// Throws Error on bytes that Serialize did not write.
BlockSummaries ParseBlockSummaries(std::string_view bytes);

/// Totals of a split. Merged in block order, so that rounding does not depend on who read what.
struct SplitSummary {
  int64_t n_rows = 0;
  int64_t n_bad = 0;
  std::string first_bad;
  std::vector<Moments> numerics;
  std::vector<int64_t> n_observed;

  static SplitSummary Of(const BlockSummaries& blocks);
};

/// x -> (x - mean) * scale for every numeric; a missing value becomes the mean, so 0 where
/// standardised.
struct Normalizer {
  std::vector<float> mean;   // [n_numerics]
  std::vector<float> scale;  // [n_numerics]: 1 / stddev; 1 where the stddev is 0
  /// In place on [n, n_numerics].
  void Apply(std::span<float> numerics) const;
};

}  // namespace zhiyin::worker::data
