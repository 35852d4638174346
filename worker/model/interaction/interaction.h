// From the inputs of a row to columns that the network reads: fields meet fields here.
//
// Adding one: a file interaction/NAME.cc, a field in Interaction.kind of job.proto, a declaration
// below, a case in MakeInteraction, an example in tests/support/example_jobs.cc. The conformance
// tests then cover it.
#pragma once

#include <cstdint>
#include <memory>

#include "configs/job.pb.h"
#include "worker/model/input_layout.h"
#include "worker/model/nn/column_layer.h"

namespace zhiyin::worker::model {

/// A layer on the layout.dim inputs of a row. `layout` has no sequences: those were read before.
/// Takes its weights at *n_weights, and moves it behind them. REQUIRES: a config that passed
/// validation.
std::unique_ptr<nn::ColumnLayer> MakeInteraction(const Interaction& config,
                                                 const InputLayout& layout, int64_t* n_weights);

std::unique_ptr<nn::ColumnLayer> MakeInputs(const InputLayout& layout);
std::unique_ptr<nn::ColumnLayer> MakeFactorizationMachine(
    const Interaction::FactorizationMachine& config, const InputLayout& layout);
std::unique_ptr<nn::ColumnLayer> MakeCrossV1(const Interaction::CrossV1& config,
                                             const InputLayout& layout, int64_t* n_weights);
std::unique_ptr<nn::ColumnLayer> MakeCrossV2(const Interaction::CrossV2& config,
                                             const InputLayout& layout, int64_t* n_weights);
std::unique_ptr<nn::ColumnLayer> MakeCrossMix(const Interaction::CrossMix& config,
                                              const InputLayout& layout, int64_t* n_weights);
std::unique_ptr<nn::ColumnLayer> MakeSenet(const Interaction::Senet& config,
                                           const InputLayout& layout, int64_t* n_weights);
std::unique_ptr<nn::ColumnLayer> MakeAutoInt(const Interaction::AutoInt& config,
                                             const InputLayout& layout, int64_t* n_weights);

}  // namespace zhiyin::worker::model
