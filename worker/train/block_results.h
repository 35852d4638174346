// The results of an evaluation, block by block, which workers send to the chief.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/exact_sum.h"
#include "common/types.h"

namespace zhiyin::worker::train {

/// The labels, predictions and loss sums of the blocks that a worker has evaluated, by block
/// number.
class BlockResults {
 public:
  explicit BlockResults(size_t n_tasks) : n_tasks_(n_tasks) {}

  /// The results for the n examples of a block.
  struct Block {
    std::vector<double> labels;       // [n, n_tasks], kMissing where an example has no label
    std::vector<float> predictions;   // [n, n_tasks]
    std::vector<double> weights;      // [n, n_tasks]; empty: all weights are 1
    std::vector<ExactSum> loss_sums;  // [n_tasks], sums of the weighted losses
    std::vector<Key> groups = {};     // [n], keys of evaluation.gauc_field; empty: it is not set
  };

  /// Adds a block. Throws Error when the sizes of its arrays do not fit n_tasks, when a block with
  /// this number was added before, when an example with a label has a prediction that is not
  /// finite, when a weight is negative or not finite, and when only some blocks have weights or
  /// groups.
  void Add(int64_t number, Block block);
  const std::map<int64_t, Block>& blocks() const { return blocks_; }

  std::string Serialize() const;
  /// Adds the blocks that another worker has serialized. Throws Error as Add does, and on bytes
  /// that Serialize did not write.
  void Merge(std::string_view bytes);

 private:
  size_t n_tasks_;
  std::map<int64_t, Block> blocks_;
};

}  // namespace zhiyin::worker::train
