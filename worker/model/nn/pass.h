// The purpose of a forward pass.
#pragma once

#include <cstdint>

namespace zhiyin::worker::model::nn {

class BatchStatistics;

struct Pass {
  /// True during training; dropout and batch normalisation depend on it.
  bool training = false;
  /// Seeds all random numbers of the pass. A function of the job's seed, the epoch and the number
  /// of the slice in it, so that every worker would draw them alike for a slice, and no other slice
  /// has them, whatever the staleness.
  uint64_t seed = 0;
  /// Receives the means and variances of batch normalisation; nullptr if they are not collected.
  BatchStatistics* statistics = nullptr;
};

}  // namespace zhiyin::worker::model::nn
