// Rows without anything to learn, as many and as wide as wanted: what a benchmark reads.
//
//   column                   values
//   category_0, ...          uniform in 0 to n_categories - 1
//   label_0, ...             0 or 1, as often
//
// Row i is a pure function of (seed, i).
#pragma once

#include <memory>

#include "configs/job.pb.h"
#include "worker/data/source.h"

namespace zhiyin::worker {

/// The split's rows. Throws Error where a column does not exist. REQUIRES: the job's data is generated_uniform.
std::unique_ptr<Source> MakeUniformSource(const Job& job, const Split& split, LabelUse labels);

}  // namespace zhiyin::worker
