// The results of an evaluation by block, which workers send to the chief.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker::train {

/// The labels, predictions and loss sums of the blocks that a worker has evaluated, by block
/// number.
class BlockResults {
 public:
  explicit BlockResults(size_t n_tasks) : n_tasks_(n_tasks) {}

  struct Block {
    std::vector<float> labels;       // [n, n_tasks]
    std::vector<float> predictions;  // [n, n_tasks]
    std::vector<double> loss_sums;   // [n_tasks], unweighted
  };

  /// Adds a block. Throws Error when its arrays are not of n_tasks, when a block with this number
  /// was added before, and when a prediction is not finite.
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
