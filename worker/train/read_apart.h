// Whether workers that have the index of a split read it each for itself, or all together.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "worker/data/source.h"
#include "worker/train/split_indexes.h"

namespace zhiyin::worker::train {

/// The files of a split of which there is an index.
struct IndexedFiles {
  std::span<const data::Unit> units;  // of all files, in order
  int64_t first_row = 0;              // of the split, among the records of the files
  bool can_jump = false;              // SharedFiles::CanJump
};

/// Whether the workers, each for itself, read the blocks that they want at about the cost of one
/// pass over all. `wanted(w)` returns the blocks of worker w in the order of need: run after run,
/// ascending within each. Where a worker cannot jump, each run is a pass. A pure function.
bool IsReadApart(const SplitIndex& index, const IndexedFiles& files, int n_workers,
                 const std::function<std::vector<int64_t>(int worker)>& wanted);

/// Whether a worker is likely to keep its share of units that hold so many examples together: it
/// keeps one of at most twice n_kept_max examples. Worker w reads units [begins[w], begins[w + 1]).
/// A pure function. REQUIRES: there are units to read.
bool IsAnyShareKept(std::span<const data::Unit> units, std::span<const int64_t> begins,
                    int64_t n_examples, int64_t n_kept_max);

}  // namespace zhiyin::worker::train
