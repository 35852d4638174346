// How many lines of the data find a line in each file of data.join.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"

namespace zhiyin::worker::data {

/// Counts of some lines of a split. The negative examples of data.behaviour are not counted. A
/// plain value.
struct JoinMatches {
  int64_t n_lines = 0;  // that made an example
  /// [n_joins]: how many of them have a key to look up, one that is not missing.
  std::vector<int64_t> n_looked_up;
  /// [n_joins]: how many of these found a line.
  std::vector<int64_t> n_found;
  /// [n_joins]: what the first of these looks for, and what the join has; empty once one has found
  /// its line.
  std::vector<std::string> first_missed;
  /// [n_joins]: the number of that line among all of the split's files.
  std::vector<int64_t> first_missed_at;

  JoinMatches() = default;
  explicit JoinMatches(size_t n_joins)
      : n_looked_up(n_joins), n_found(n_joins), first_missed(n_joins), first_missed_at(n_joins) {}

  /// Adds the counts of other lines; in which order does not matter. REQUIRES: they are of the
  /// same joins, or one of the two has none.
  void Merge(const JoinMatches& other);

  void Write(ByteWriter* out) const;
  /// The inverse of Write. Throws Error, by way of `in`, on bytes that Write did not write.
  static JoinMatches Read(ByteReader* in);
};

}  // namespace zhiyin::worker::data
