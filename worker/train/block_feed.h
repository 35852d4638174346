// The blocks of a split that each worker predicts: read by itself from files, or dealt by the
// chief, which alone reads a pipe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/examples.h"
#include "worker/data/join_matches.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"
#include "worker/data/unpredicted.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// Blocks that each worker has under way at a time.
inline constexpr int64_t kBlocksAtATime = 8;

/// Gives the blocks of one worker, in rounds: worker w has the blocks w, w + n_workers, ... Logs
/// the first malformed lines. Used by the rank's thread; borrows what it is made of.
class BlockFeed {
 public:
  virtual ~BlockFeed() = default;

  struct Block {
    int64_t number = 0;
    int64_t n_rows = 0;        // lines, malformed ones included
    std::vector<int64_t> bad;  // positions of malformed lines in the block, ascending
    data::Examples rows;       // of the others
  };

  /// Begins a round of kBlocksAtATime blocks of every worker; there are fewer at the end of the
  /// split. Collective over all workers. Throws Error as Source::Read does.
  virtual void BeginRound() = 0;
  /// The next block of the round; null where there is none. Valid until the next call.
  virtual const Block* Next() = 0;
  /// Notes examples of a block of the round that have no prediction.
  virtual void AddUnpredicted(int64_t block, const std::vector<int64_t>& positions) = 0;
  /// Ends the last round: names what was noted, and throws Error unless all workers find `n_rows`
  /// lines in the split, which were predicted. Collective over all workers.
  virtual void Finish(int64_t n_rows) = 0;

  /// What was noted.
  virtual const data::Unpredicted& unpredicted() const = 0;
  /// What was found in the blocks that this worker has read.
  const data::JoinMatches& joined() const { return joined_; }
  const std::vector<uint8_t>& seen() const { return seen_; }

 protected:
  /// Reads a block. Returns false behind the end of the split.
  bool Read(data::Source* source, int64_t number, Block* block);

 private:
  int64_t n_shown_ = 0;  // malformed lines
  data::JoinMatches joined_;
  std::vector<uint8_t> seen_;
  std::vector<data::BadLine> bad_lines_;
};

/// Every worker reads its blocks; `source` is its own.
std::unique_ptr<BlockFeed> MakeFileFeed(const Job& job, const data::Normalizer& normalizer,
                                        data::Source* source, int n_workers, Group* group);

/// The chief reads all blocks, once, and sends each worker its own; `source` is that of the chief,
/// null elsewhere. At most one round is in memory.
std::unique_ptr<BlockFeed> MakePipeFeed(const Job& job, const data::Normalizer& normalizer,
                                        data::Source* source, int n_workers, Group* group);

}  // namespace zhiyin::worker::train
