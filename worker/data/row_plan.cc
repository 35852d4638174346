#include "worker/data/row_plan.h"

#include <algorithm>

#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

/// The number of ranges a worker should get in an epoch, if there are examples for that many
/// batches.
constexpr int64_t kRangesPerWorker = 8;

}  // namespace

StreamPlan::StreamPlan(const BlockSummaries& blocks, int n_streams, int64_t rows_per_slice,
                       int64_t shuffle_rows)
    : rows_per_slice_(rows_per_slice), stream_rows_(static_cast<size_t>(n_streams)) {
  std::vector<std::vector<BlockRun>> windows(stream_rows_.size());
  for (const auto& [block, summary] : blocks) {
    const size_t s = static_cast<size_t>(block % n_streams);
    std::vector<BlockRun>& own = windows[s];
    if (own.empty() || (own.back().n_rows > 0 && own.back().n_rows + summary.n_rows > shuffle_rows))
      own.push_back({block, n_streams, 0, 0, s, own.size()});
    ++own.back().n;
    own.back().n_rows += summary.n_rows;
    stream_rows_[s] += summary.n_rows;
  }
  for (const std::vector<BlockRun>& own : windows) {
    first_run_.push_back(runs_.size());
    runs_.insert(runs_.end(), own.begin(), own.end());
  }
  first_run_.push_back(runs_.size());
  for (const int64_t n : stream_rows_)
    n_steps_ = std::max(n_steps_, (n + rows_per_slice - 1) / rows_per_slice);
}

int64_t StreamPlan::SliceRows(int64_t step, int stream) const {
  return std::clamp<int64_t>(stream_rows_[static_cast<size_t>(stream)] - step * rows_per_slice_, 0,
                             rows_per_slice_);
}

int64_t StreamPlan::StepRows(int64_t step) const {
  int64_t n = 0;
  for (int s = 0; s < n_streams(); ++s) n += SliceRows(step, s);
  return n;
}

std::vector<Piece> StreamPlan::Pieces(int64_t step, int stream) const {
  std::vector<Piece> pieces;
  int64_t skip = step * rows_per_slice_;
  int64_t n_left = SliceRows(step, stream);
  for (size_t run = first_run_[static_cast<size_t>(stream)]; n_left > 0; ++run) {
    const int64_t n_run = runs_[run].n_rows;
    const int64_t n = std::min(n_left, n_run - skip);
    if (n > 0) {
      pieces.push_back({static_cast<int64_t>(run), skip, n});
      n_left -= n;
    }
    skip = std::max<int64_t>(skip - n_run, 0);
  }
  return pieces;
}

std::vector<int64_t> StreamPlan::RowsOfSlices() const {
  std::vector<int64_t> rows;
  for (int64_t step = 0; step < n_steps_; ++step) {
    for (int s = 0; s < n_streams(); ++s) rows.push_back(SliceRows(step, s));
  }
  return rows;
}

int64_t StreamPlan::KeptRows(int64_t n_own_streams) const {
  int64_t n = 0;
  for (const BlockRun& run : runs_) n = std::max(n, run.n_rows);
  return n_own_streams * n * (runs_.size() > stream_rows_.size() ? 2 : 1);
}

RangePlan::RangePlan(const BlockSummaries& blocks, int n_workers, int64_t batch_size,
                     int64_t shuffle_rows, int64_t n_ranges_max) {
  int64_t n_rows = 0;
  for (const auto& [block, summary] : blocks) n_rows += summary.n_rows;
  const int64_t n_target = std::min(n_rows / (kRangesPerWorker * n_workers), shuffle_rows);
  const int64_t n_whole_batches = std::max<int64_t>(n_target / batch_size, 1);
  const int64_t n_all_blocks = blocks.empty() ? 0 : blocks.rbegin()->first + 1;
  const int64_t n_blocks =
      std::max({std::min(n_whole_batches * batch_size, shuffle_rows) / kBlockRows,
                (n_all_blocks + n_ranges_max - 1) / n_ranges_max, int64_t{1}});
  in_file_order_ = n_rows / n_workers > shuffle_rows;
  // Interleaved ranges are a multiple of the workers, so that each reads whole ranges in the first
  // pass.
  const int64_t n_whole = n_all_blocks / n_blocks / n_workers * n_workers;
  const int64_t n_ranges = std::max<int64_t>(n_whole, std::min<int64_t>(n_workers, n_all_blocks));
  for (const auto& [block, summary] : blocks) {
    const int64_t range = in_file_order_ ? block / n_blocks : block % n_ranges;
    if (range == static_cast<int64_t>(runs_.size()))
      runs_.push_back(
          {block, in_file_order_ ? 1 : n_ranges, 0, 0, static_cast<uint64_t>(range), 0});
    ++runs_[at(range)].n;
    runs_[at(range)].n_rows += summary.n_rows;
  }
  for (const BlockRun& run : runs_)
    first_batch_.push_back(first_batch_.back() + (run.n_rows + batch_size - 1) / batch_size);
}

Piece RangePlan::Batch(int64_t range, int64_t nth) const {
  const int64_t n_rows = runs_[at(range)].n_rows;
  const int64_t n = n_batches(range);
  const int64_t begin = nth * n_rows / n;
  return {range, begin, (nth + 1) * n_rows / n - begin};
}

std::vector<int64_t> RangePlan::RowsOfSlices() const {
  std::vector<int64_t> rows;
  for (int64_t range = 0; range < n_ranges(); ++range) {
    for (int64_t nth = 0; nth < n_batches(range); ++nth) rows.push_back(Batch(range, nth).n);
  }
  return rows;
}

}  // namespace zhiyin::worker::data
