// Exact sums for tests.
#pragma once

#include <initializer_list>
#include <vector>

#include "common/exact_sum.h"

namespace zhiyin::testing {

/// Returns sums of one term each.
inline std::vector<ExactSum> SumsOf(std::initializer_list<double> terms) {
  std::vector<ExactSum> sums;
  for (const double term : terms) sums.emplace_back().Add(term);
  return sums;
}

}  // namespace zhiyin::testing
