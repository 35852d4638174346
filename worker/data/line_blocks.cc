#include "worker/data/line_blocks.h"

#include <algorithm>
#include <limits>

#include "worker/data/source.h"

namespace zhiyin::worker::data {

LineBlocks::LineBlocks(const std::vector<TextFile>& files, bool header, const Split& split)
    : lines_(files, header),
      first_line_(split.first_row()),
      n_lines_(split.n_rows() > 0 ? split.n_rows() : std::numeric_limits<int64_t>::max()) {}

int64_t LineBlocks::GoTo(int64_t block) {
  const int64_t n_block = std::clamp<int64_t>(n_lines_ - block * kBlockRows, 0, kBlockRows);
  if (n_block == 0) return 0;
  const int64_t wanted = first_line_ + block * kBlockRows;
  const size_t b = static_cast<size_t>(block);
  if (lines_.position() != wanted && b < begins_.size() && begins_[b].has_value())
    lines_.Seek(*begins_[b]);
  if (lines_.position() > wanted) lines_.RestartBefore(wanted);
  // Block by block, so that the beginning of each is remembered.
  while (lines_.position() < wanted) {
    const int64_t into = lines_.position() - first_line_;  // negative before the split
    if (into >= 0) Remember(into / kBlockRows);
    const int64_t n = into < 0 ? -into : kBlockRows - into % kBlockRows;
    if (lines_.Skip(n) < n) return 0;
  }
  Remember(block);
  return n_block;
}

void LineBlocks::Remember(int64_t block) {
  if (static_cast<size_t>(block) == begins_.size() &&
      lines_.position() == first_line_ + block * kBlockRows)
    begins_.push_back(lines_.place());
}

}  // namespace zhiyin::worker::data
