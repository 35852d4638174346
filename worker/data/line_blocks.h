// The lines of a split, in blocks of kBlockRows lines.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/text_lines.h"

namespace zhiyin::worker::data {

/// Finds the blocks of a split: lines first_row to first_row + n_rows of its files, all of them
/// where n_rows is 0. Remembers where the blocks begin that were passed, so that they can be jumped
/// to. Throws Error as TextLines does. Used by one thread.
class LineBlocks {
 public:
  LineBlocks(const std::vector<TextFile>& files, bool header, const Split& split);

  /// Moves lines() to the beginning of a block, counted from 0. Returns how many lines the block
  /// may have, fewer where the files end earlier; 0 when the split ends before it.
  int64_t GoTo(int64_t block);
  TextLines& lines() { return lines_; }

 private:
  /// Remembers the present place where it is the beginning of `block`, and the next unknown one.
  void Remember(int64_t block);

  TextLines lines_;
  int64_t first_line_;
  int64_t n_lines_;
  std::vector<std::optional<TextLines::Place>> begins_;  // [blocks that were passed]
};

}  // namespace zhiyin::worker::data
