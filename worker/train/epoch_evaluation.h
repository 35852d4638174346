// The evaluation after an epoch, and how it is reported.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/data/statistics.h"
#include "worker/train/evaluator.h"
#include "worker/train/results.h"
#include "worker/train/tools.h"

namespace zhiyin::worker::train {

struct EpochEvaluation {
  Evaluations found;
  int64_t n_rows_made = 0;  // embedding rows that servers made meanwhile; expected to be 0
};

/// Evaluates the model on every split that there is an evaluator for. Collective over all workers;
/// returns the results at the chief, empty ones elsewhere. REQUIRES: the evaluators have loaded
/// their blocks, all pushes are applied, and no worker pushes before this returns.
EpochEvaluation EvaluateModel(const data::Normalizer& normalizer, Tools* tools);

/// The lines of metrics.jsonl, one for each split and task. `epoch` counts from 1, `step` is the
/// number of steps up to its end.
std::vector<Json> EvaluationLines(int64_t epoch, int64_t step, const Evaluations& found);

/// The line that is printed: "epoch 2/3  train loss 0.51234  test loss 0.52345  click AUC 0.71234",
/// with the MSE of tasks that have no AUC; validation comes before test. `epoch` counts from 1.
std::string EvaluationLine(int64_t epoch, int64_t n_epochs, double train_loss,
                           const Evaluations& found);

}  // namespace zhiyin::worker::train
