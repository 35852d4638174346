// What an evaluation has found, as a checkpoint keeps it.
#pragma once

#include "configs/manifest.pb.h"
#include "worker/train/evaluator.h"

namespace zhiyin::worker::train {

Progress::Evaluated MessageOf(const EvaluationResult& result);
/// The inverse; a metric that was undefined is undefined again.
EvaluationResult EvaluationOf(const Progress::Evaluated& message);

}  // namespace zhiyin::worker::train
