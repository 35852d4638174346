// From a sequence of values to one vector.
//
// Adding one: a file sequence/NAME.cc, a field in SequenceReader.kind of job.proto, a declaration
// below, a case in MakeSequenceReader, an example in tests/support/example_jobs.cc. The conformance
// tests then cover it.
#pragma once

#include <cstdint>
#include <memory>

#include "configs/job.pb.h"
#include "worker/model/input_layout.h"
#include "worker/model/nn/column_layer.h"

namespace zhiyin::worker::model {

/// A layer on the layout.dim inputs of a row, of which it reads its own sequence, and others if its
/// kind says so. Values behind a row's count are padding: they have no part in anything and their
/// gradient is zero. A row without values gives zeros. Takes its weights at *n_weights, and moves
/// it behind them. REQUIRES: a config that passed validation.
std::unique_ptr<nn::ColumnLayer> MakeSequenceReader(const SequenceReader& config,
                                                    const InputLayout& layout, int64_t* n_weights);

std::unique_ptr<nn::ColumnLayer> MakeSequencePool(const SequenceReader::Pool& config,
                                                  const InputLayout::Part& sequence);
std::unique_ptr<nn::ColumnLayer> MakeDin(const SequenceReader::Din& config,
                                         const InputLayout::Part& sequence,
                                         const InputLayout::Part& query, int64_t* n_weights);
std::unique_ptr<nn::ColumnLayer> MakeAttentionPool(const SequenceReader::AttentionPool& config,
                                                   const InputLayout::Part& sequence,
                                                   int64_t* n_weights);
std::unique_ptr<nn::ColumnLayer> MakeBst(const SequenceReader::Bst& config,
                                         const InputLayout::Part& sequence,
                                         const InputLayout::Part& query, int64_t* n_weights);

/// The number of values of row i's sequence.
inline int SequenceCount(const nn::ConstBlock& x, Eigen::Index i,
                         const InputLayout::Part& sequence) {
  return static_cast<int>(x(i, sequence.count_column()) + 0.5f);
}

}  // namespace zhiyin::worker::model
