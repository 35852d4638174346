// Divides the parameters into those that several tasks share and those of one task.
#pragma once

#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "worker/model/model.h"

namespace zhiyin::worker::model::balance {

/// 1 for a parameter that the losses of several tasks, or of none, depend on; 0 for one that only
/// one task's loss depends on.
struct SharedParameters {
  Eigen::ArrayXf weights;                     // [model's n_weights()]
  std::vector<Eigen::ArrayXf> table_columns;  // [n_tables][dim]: columns of embedding rows
};

/// Finds the shared parameters of any model by computing the gradients of each task at a few random
/// points; the result is equal on all ranks. A column of a table's rows belongs to one task if it
/// does so in every field of the table.
SharedParameters FindSharedParameters(const Job& job, Model* model);

}  // namespace zhiyin::worker::model::balance
