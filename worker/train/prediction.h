// Predictions for the rows of a file, a line each, in order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/source.h"
#include "worker/train/group.h"
#include "worker/train/scorer.h"

namespace zhiyin::worker::train {

/// Predictions of whole blocks, on their way to the chief.
class PredictedBlocks {
 public:
  explicit PredictedBlocks(size_t n_tasks) : n_tasks_(n_tasks) {}

  struct Block {
    int64_t n_rows = 0;              // malformed ones included
    std::vector<int64_t> bad;        // positions of malformed rows in the block, ascending
    std::vector<float> predictions;  // [n_rows - bad, n_tasks]
  };

  /// Throws Error on a block that cannot be, one that is here already, and predictions that are no
  /// numbers.
  void Add(int64_t number, Block block);
  const std::map<int64_t, Block>& blocks() const { return blocks_; }

  std::string Serialize() const;
  /// Adds what another worker serialized. Throws Error where Add does, and on bytes that are
  /// something else.
  void Merge(std::string_view bytes);

  /// The lines of all blocks in order: row, from 0 on in the split, and the predictions of its
  /// tasks, empty where the row is malformed.
  std::string Lines() const;

 private:
  size_t n_tasks_;
  std::map<int64_t, Block> blocks_;
};

/// How many rows a prediction was about.
struct PredictionCounts {
  int64_t n_rows = 0;
  int64_t n_bad = 0;
};

/// Writes a line for every row of the split, tab-separated under a header, to `path` at the chief:
/// under a temporary name until all are there. Block b is predicted by worker b mod n_workers. The
/// workers go a few blocks at a time, and nobody is further ahead of the chief than that: memory is
/// bounded. Collective; the counts are the chief's.
PredictionCounts WritePredictions(const std::string& path, const data::Normalizer& normalizer,
                                  const model::TaskHeads& heads, data::Source* source,
                                  Scorer* scorer, int n_workers, Group* group);

}  // namespace zhiyin::worker::train
