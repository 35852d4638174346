// The slices of a step: what a worker computes and pushes at a time.
#pragma once

#include "configs/job.pb.h"

namespace zhiyin::ps {

/// The number of slices of every step of the job: train.slices, or one for each worker.
inline int SlicesOfStep(const Train& train, int n_workers) {
  return train.slices() > 0 ? train.slices() : n_workers;
}

}  // namespace zhiyin::ps
