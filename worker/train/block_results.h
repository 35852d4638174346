// The results of an evaluation by block, which workers send to the chief.
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

  struct Block {
    std::vector<double> labels;       // [n, n_tasks]
    std::vector<float> predictions;   // [n, n_tasks]
    std::vector<float> weights;       // [n, n_tasks], or empty: all 1
    std::vector<ExactSum> loss_sums;  // [n_tasks], each example with its weight
    std::vector<Key> groups = {};     // [n] of evaluation.gauc_field, or empty: none
  };

  /// Adds a block. Throws Error when its arrays are not of n_tasks, when a block with this number
  /// was added before, when the prediction of a label is not finite, when a weight is not one, and
  /// when only some blocks have weights or groups.
  void Add(int64_t number, Block block);
  const std::map<int64_t, Block>& blocks() const { return blocks_; }

  std::string Serialize() const;
  /// Adds the blocks that another worker serialized. Throws Error as Add does, and on bytes that
  /// Serialize did not write.
  void Merge(std::string_view bytes);

 private:
  size_t n_tasks_;
  std::map<int64_t, Block> blocks_;
};

}  // namespace zhiyin::worker::train
