// The interface of sequence readers: layers that turn a sequence of values into one vector.
//
// Adding a sequence reader takes its file sequence/NAME.cc with a SequenceReaderKind, its message
// in SequenceReader.kind of job.proto, a line in sequence_readers.h, and its examples
// (tests/data/kinds/sequence). The conformance tests then cover it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "configs/job.pb.h"
#include "worker/model/input_layout.h"
#include "worker/model/model_checker.h"
#include "worker/model/nn/column_layer.h"

namespace zhiyin::worker::model {

/// The description of a sequence reader by which the rest of the program uses it. The file of each
/// kind defines one.
struct SequenceReaderKind {
  const char* name;  // of its field in SequenceReader.kind of job.proto
  /// Throws Error for an impossible configuration, whose message `path` leads to. Null: no check.
  void (*check)(const ModelChecker& check, const config::ConfigPath& path,
                const SequenceReader& config, const Field& sequence) = nullptr;
  /// A layer on the layout.dim inputs of an example, of which it reads `sequence`, and others if
  /// its kind says so. Values after an example's count are padding: they contribute nothing and
  /// their gradient is zero. The output for an example without values is zero. Takes its weights at
  /// *n_weights and moves *n_weights behind them.
  std::unique_ptr<nn::ColumnLayer> (*make)(const SequenceReader& config,
                                           const InputLayout::Part& sequence,
                                           const InputLayout& layout, int64_t* n_weights) = nullptr;
};

/// Makes the configured reader (SequenceReaderKind::make). REQUIRES: it was checked.
std::unique_ptr<nn::ColumnLayer> MakeSequenceReader(const SequenceReader& config,
                                                    const InputLayout& layout, int64_t* n_weights);

/// Checks that every sequence has one reader and every reader a sequence, and each reader.
void CheckSequences(const ModelChecker& check);

/// Checks the field that attends to a sequence: one vector of the sequence's dim.
void CheckQuery(const ModelChecker& check, const config::ConfigPath& path, const std::string& name,
                const Field& sequence);

/// The number of values in example i's sequence.
inline int SequenceCount(const nn::ConstBlock& x, Eigen::Index i,
                         const InputLayout::Part& sequence) {
  return static_cast<int>(x(i, sequence.count_column()) + 0.5f);
}

}  // namespace zhiyin::worker::model
