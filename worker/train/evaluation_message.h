// The result of an evaluation as a message, for checkpoints.
#pragma once

#include "configs/manifest.pb.h"
#include "worker/train/evaluator.h"

namespace zhiyin::worker::train {

Progress::Evaluated MessageOf(const EvaluationResult& result);
/// The inverse of MessageOf, undefined metrics included.
EvaluationResult EvaluationOf(const Progress::Evaluated& message);

}  // namespace zhiyin::worker::train
