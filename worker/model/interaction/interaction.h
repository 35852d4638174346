// The interface of interactions: layers that combine the fields of an example into columns, which
// the network reads.
//
// Adding an interaction takes its file interaction/NAME.cc with an InteractionKind, its message in
// Interaction.kind of job.proto, a line in interactions.h, and its examples
// (tests/data/kinds/interaction). The conformance tests then cover it.
#pragma once

#include <cstdint>
#include <memory>

#include "configs/job.pb.h"
#include "worker/model/input_layout.h"
#include "worker/model/model_checker.h"
#include "worker/model/nn/column_layer.h"

namespace zhiyin::worker::model {

/// The description of an interaction by which the rest of the program uses it. The file of each
/// kind defines one.
struct InteractionKind {
  const char* name;  // of its field in Interaction.kind of job.proto
  /// Throws Error for an impossible configuration, whose message `path` leads to. Null: no check.
  void (*check)(const ModelChecker& check, const config::ConfigPath& path,
                const Interaction& config) = nullptr;
  /// A layer on the layout.dim inputs of an example. `layout` has no sequences: their readers come
  /// before. Takes its weights at *n_weights and moves *n_weights behind them.
  std::unique_ptr<nn::ColumnLayer> (*make)(const Interaction& config, const InputLayout& layout,
                                           int64_t* n_weights) = nullptr;
};

/// Makes the configured interaction (InteractionKind::make). REQUIRES: it was checked.
std::unique_ptr<nn::ColumnLayer> MakeInteraction(const Interaction& config,
                                                 const InputLayout& layout, int64_t* n_weights);

/// Checks all interactions of a model.
void CheckInteractions(const ModelChecker& check);

}  // namespace zhiyin::worker::model
