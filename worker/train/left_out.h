// Examples that training leaves out, since one example with an extreme number must not end a job.
//
// An example whose prediction is not finite is taken out of its slice before the loss, and the
// slice is computed without it: its own gradients, and in models that mix the examples of a slice
// (batch normalisation, in-batch softmax, balancing by gradients) those of all others, would not be
// finite either. It is counted, and the first ones are named (data::Unpredicted, whose blocks are
// slices here). What is left out depends on the slice and the weights alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "worker/data/unpredicted.h"
#include "worker/model/embedding_input.h"

namespace zhiyin::worker::train {

/// Returns which of the examples, by positions in the batch, have the most extreme numerics: within
/// a factor of data::kExtreme of the largest, and from data::kExtreme on. None if none is extreme.
std::vector<int64_t> MostExtreme(const model::EmbeddingInput& input,
                                 std::span<const int64_t> examples);

/// Returns the examples that explain why these have no prediction. Where others of the slice have
/// one, each example explains itself. Where none has, the weights may be what is wrong, or an
/// extreme example has spoiled the slice: the most extreme ones, perhaps none.
std::vector<int64_t> ToLeaveOut(const model::EmbeddingInput& input,
                                std::span<const int64_t> unpredicted);

/// Throws Error when more than 1 % of the n_rows examples of an epoch were left out, or all; a
/// single one never is more. `epoch` counts from 1. `left_out` may be of a part of the epoch.
void CheckLeftOut(const data::Unpredicted& left_out, int64_t n_rows, int64_t epoch);

}  // namespace zhiyin::worker::train
