// Which parameters several tasks share, and which one task has for itself.
#pragma once

#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "worker/model/model.h"

namespace zhiyin::worker::model::balance {

/// 1 where a parameter is reached by more than one task's loss (or by none), 0 where by one task's
/// alone.
struct SharedParameters {
  Eigen::ArrayXf weights;                     // [model's n_weights()]
  std::vector<Eigen::ArrayXf> table_columns;  // [n_tables][dim]: columns of a table's rows
};

/// Found by trying: the model's gradients of one task after the other, at a few random points. So
/// it holds for every model without its saying so; the same on every rank. A column of a table is
/// one task's own if it is so in every field of the table.
SharedParameters FindSharedParameters(const Job& job, Model* model);

}  // namespace zhiyin::worker::model::balance
