// The statistics of the data that the first pass computes. They are bitwise independent of the
// assignment of blocks to workers.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/rows.h"

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

/// The counts and statistics of one block.
struct BlockSummary {
  int64_t n_rows = 0;  // examples
  int64_t n_bad = 0;   // malformed lines
  /// "file:line: ..." of the first malformed line; empty when there is none.
  std::string first_bad;
  std::vector<Moments> numerics;    // [n_numerics], of the values that are not missing
  std::vector<int64_t> n_observed;  // [n_tasks], labels that are not missing

  static BlockSummary Of(const Rows& rows);
};

/// Summaries by block. Every worker summarises its own blocks; together they are the summaries of
/// all.
using BlockSummaries = std::map<int64_t, BlockSummary>;

std::string Serialize(const BlockSummaries& summaries);
/// Throws Error on bytes that Serialize did not write.
BlockSummaries ParseBlockSummaries(std::string_view bytes);

/// The totals of a split, merged in the order of blocks, so that rounding does not depend on the
/// workers that read them.
struct SplitSummary {
  int64_t n_rows = 0;
  int64_t n_bad = 0;
  std::string first_bad;
  std::vector<Moments> numerics;
  std::vector<int64_t> n_observed;

  static SplitSummary Of(const BlockSummaries& blocks);
};

/// Replaces each numeric x by (x - mean) * scale. A missing value is taken to be the mean, which is
/// 0 where numerics are standardised.
struct Normalizer {
  std::vector<float> mean;   // [n_numerics]
  std::vector<float> scale;  // [n_numerics]: 1 / stddev; 1 where the stddev is 0
  /// Normalizes [n, n_numerics] in place.
  void Apply(std::span<float> numerics) const;
};

}  // namespace zhiyin::worker::data
