// Predictions for the lines of a split, one output line for each, in order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/join_matches.h"
#include "worker/data/statistics.h"
#include "worker/data/unpredicted.h"
#include "worker/train/block_feed.h"
#include "worker/train/group.h"
#include "worker/train/scorer.h"

namespace zhiyin::worker::train {

/// The predictions of blocks, which workers send to the chief.
class PredictedBlocks {
 public:
  explicit PredictedBlocks(size_t n_tasks) : n_tasks_(n_tasks) {}

  struct Block {
    int64_t n_rows = 0;              // lines, malformed ones included
    std::vector<int64_t> bad;        // positions of malformed lines in the block, ascending
    std::vector<float> predictions;  // [n_rows - bad, n_tasks]; NaN: the model has none
  };

  /// Adds a block. Throws Error on impossible counts or positions, when a block with this number
  /// was added before, and when a prediction is infinite.
  void Add(int64_t number, Block block);
  const std::map<int64_t, Block>& blocks() const { return blocks_; }

  std::string Serialize() const;
  /// Adds the blocks that another worker serialized. Throws Error as Add does, and on bytes that
  /// Serialize did not write.
  void Merge(std::string_view bytes);

  /// The output lines of all blocks, in order: the number of the line in the split, from 0, and the
  /// prediction of each task, which is empty for a malformed line, and where the model has none.
  std::string Lines() const;

 private:
  size_t n_tasks_;
  std::map<int64_t, Block> blocks_;
};

/// What became of the lines of the split.
struct PredictionCounts {
  int64_t n_rows = 0;  // malformed ones included
  int64_t n_bad = 0;
  data::Unpredicted unpredicted;  // well-formed ones that lack the prediction of some task
  data::JoinMatches joins;
  std::vector<uint8_t> seen;  // as in data::SplitSummary
};

/// Writes an output line for every line of the split to `path`, tab-separated, with a header; at
/// the chief, under a temporary name until the file is complete. Block b is predicted by worker b
/// mod n_workers, which is fed with it. Workers send a few blocks at a time and wait for the chief,
/// which bounds memory. Throws Error, and leaves no file, as BlockFeed does, where blocks are
/// missing, and as data::CheckSeen does, at the chief. Collective over all workers; the counts are
/// those of the whole split, at the chief only.
PredictionCounts WritePredictions(const std::string& path, const data::Normalizer& normalizer,
                                  const Job& job, const model::TaskHeads& heads, BlockFeed* feed,
                                  Scorer* scorer, int n_workers, Group* group);

}  // namespace zhiyin::worker::train
