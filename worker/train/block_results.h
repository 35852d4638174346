// Predictions on their way from the workers to the chief, in an evaluation.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker::train {

/// What a worker's blocks came to: for each block its number, labels, predictions and loss sums.
class BlockResults {
 public:
  explicit BlockResults(size_t n_tasks) : n_tasks_(n_tasks) {}

  struct Block {
    std::vector<float> labels;       // [n, n_tasks]
    std::vector<float> predictions;  // [n, n_tasks]
    std::vector<double> loss_sums;   // [n_tasks], unweighted
  };

  /// Throws Error on a block of other tasks, one that is here already, and predictions that are no
  /// numbers.
  void Add(int64_t number, Block block);
  const std::map<int64_t, Block>& blocks() const { return blocks_; }

  std::string Serialize() const;
  /// Adds what another worker serialized. Throws Error where Add does, and on bytes that are
  /// something else.
  void Merge(std::string_view bytes);

 private:
  size_t n_tasks_;
  std::map<int64_t, Block> blocks_;
};

}  // namespace zhiyin::worker::train
