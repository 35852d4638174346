// What a forward pass is for.
#pragma once

#include <cstdint>

namespace zhiyin::worker::model::nn {

class BatchStatistics;

struct Pass {
  /// Learning: layers that behave differently then, do.
  bool training = false;
  /// All that is drawn in this pass depends on it alone: a function of the job's seed, the step and
  /// the slice, so that it does not matter who computes the slice.
  uint64_t seed = 0;
  /// Gets the statistics that layers normalise by, where somebody keeps them.
  BatchStatistics* statistics = nullptr;
};

}  // namespace zhiyin::worker::model::nn
