// The runs of blocks that a worker has in memory, and their shuffled order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "common/tick.h"
#include "worker/data/augment.h"
#include "worker/data/epoch_plan.h"
#include "worker/data/examples.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {

/// Reads runs from a source when they are needed and keeps those that were used last, up to a
/// number of examples. Examples do not depend on whether they were kept. One thread at a time,
/// except where a function says otherwise.
class RunCache {
 public:
  /// Nothing is read yet. Keeps at most `n_kept_max` examples, but always those in use. `augmenter`
  /// changes what Append gives, by epoch and example.
  RunCache(std::unique_ptr<Source> source, uint64_t seed, int64_t n_kept_max, Augmenter augmenter);

  /// The source. REQUIRES: SetRuns was not called.
  Source* source() { return source_.get(); }
  /// Keeps a block that was read already. REQUIRES: SetRuns was not called; each block comes once.
  void Keep(int64_t block, Examples examples);
  /// Sets the runs, which divide the blocks. Called once, before the functions below. Runs whose
  /// blocks are all kept are in memory.
  void SetRuns(std::vector<BlockRun> runs);

  /// Marks a run as used now, if all of it is in memory; returns whether it is.
  bool Use(int64_t run);
  /// Reads a run that is not in memory. The runs of `together` that interleave with it are read in
  /// the same pass over the files. The runs of `spared` are not removed to make room. Returns false
  /// when `is_cancelled` returns true between two blocks; what was read until then is kept for the
  /// next call. Throws Error where the data has changed; the run is then not in memory.
  bool Load(int64_t run, const std::vector<int64_t>& together, std::vector<int64_t> spared,
            const std::function<bool()>& is_cancelled);
  /// Appends a piece of an epoch's shuffled run to *to. REQUIRES: the run is in memory.
  void Append(int64_t epoch, const Piece& piece, Examples* to);

  /// Sets what Load calls for every block, and what the source calls (Source::SetTick).
  void SetTick(Tick tick);

  /// From any thread.
  void SetMaxKept(int64_t n_examples);
  /// The runs that are wholly in memory, ascending. From any thread.
  std::vector<uint64_t> KeptRuns() const;

 private:
  struct RunState {
    /// The epoch that `order` is the order of; -1: of none.
    int64_t order_epoch = -1;
    /// [n_rows], shuffled: index in `blocks` * kMaxExamplesOfBlock + example in that block.
    std::vector<uint64_t> order;
    std::vector<const Examples*> blocks;  // those that have examples, once all are read
    bool is_whole = false;                // all are read, and have the examples of the first pass
    uint64_t last_used = 0;
  };

  const BlockRun& RunOf(int64_t run) const { return runs_[static_cast<size_t>(run)]; }
  bool IsWhole(int64_t run) const;
  /// Removes the runs that were used the longest ago until there is room for so many examples.
  void MakeRoom(int64_t n_examples, const std::vector<int64_t>& spared);
  void Remove(int64_t run);
  /// Notes a run whose blocks are all in memory. Throws Error where they hold another number of
  /// examples than in the first pass.
  void Complete(int64_t run);
  void Shuffle(int64_t epoch, const BlockRun& run, RunState* state) const;
  int64_t max_kept() const;
  void MarkKept(int64_t run, bool kept);

  std::unique_ptr<Source> source_;
  Tick tick_ = [] {};
  uint64_t seed_;
  Augmenter augmenter_;
  std::vector<BlockRun> runs_;
  std::map<int64_t, Examples> blocks_;
  std::map<int64_t, RunState> states_;  // by run: of all that have blocks in memory
  uint64_t n_uses_ = 0;
  int64_t n_kept_ = 0;  // examples
  std::vector<BadLine> bad_;
  Examples scratch_;

  mutable std::mutex mutex_;  // guards all below
  int64_t max_kept_;
  std::vector<bool> is_kept_;  // [runs]: all of it
};

}  // namespace zhiyin::worker::data
