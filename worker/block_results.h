// Predictions on their way from the workers to the chief, in an evaluation.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker {

/// What a worker's blocks came to: for each block its number, labels, predictions and loss sums.
class BlockResults {
 public:
  struct Block {
    std::vector<float> labels;       // [n, n_tasks]
    std::vector<float> predictions;  // [n, n_tasks]
    std::vector<double> loss_sums;   // [n_tasks], unweighted
  };

  void Add(int64_t number, Block block) { blocks_.emplace(number, std::move(block)); }
  const std::map<int64_t, Block>& blocks() const { return blocks_; }

  std::string Serialize() const;
  void Merge(std::string_view bytes);

 private:
  std::map<int64_t, Block> blocks_;
};

}  // namespace zhiyin::worker
