#include "worker/data/epoch_plan.h"

#include <algorithm>

#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

/// The number of ranges a worker should get in an epoch, if there are examples for that many
/// batches.
constexpr int64_t kRangesPerWorker = 8;

int64_t CeilDiv(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

/// Where part `nth` of n equal parts of n_all begins.
int64_t Share(int64_t nth, int64_t n, int64_t n_all) {
  return static_cast<int64_t>(static_cast<__int128>(nth) * n_all / n);
}

/// Appends the blocks of a run.
void AppendBlocks(const BlockRun& run, std::vector<int64_t>* blocks) {
  for (int64_t i = 0; i < run.n; ++i) blocks->push_back(run.Block(i));
}

/// The number of groups that blocks are dealt into: one a stream, or fewer where each would have
/// less than kMixedBlocks. A group that does not fit in memory is read in windows, which streams do
/// not share.
int NumGroups(const RecordCounts& records, int n_streams, int64_t shuffle_rows) {
  int n_groups = n_streams;
  while (n_groups > 1 &&
         (n_streams % n_groups != 0 || records.n_blocks() < n_groups * kMixedBlocks))
    --n_groups;
  return CeilDiv(records.n_examples(), n_groups) <= shuffle_rows ? n_groups : n_streams;
}

/// Cuts the blocks into equal parts, one for each group, and each part into n windows of equal
/// numbers of blocks. Returns the windows of all groups, group after group.
std::vector<BlockRun> CutInto(int64_t n, const RecordCounts& records, int n_groups) {
  std::vector<BlockRun> windows;
  for (int g = 0; g < n_groups; ++g) {
    const int64_t first = Share(g, n_groups, records.n_blocks());
    const int64_t n_blocks = Share(g + 1, n_groups, records.n_blocks()) - first;
    for (int64_t w = 0; w < n; ++w) {
      const int64_t begin = first + Share(w, n, n_blocks);
      const int64_t end = first + Share(w + 1, n, n_blocks);
      const int64_t n_rows =
          records.ExamplesBefore(std::min(end * kBlockRecords, records.n_records())) -
          records.ExamplesBefore(begin * kBlockRecords);
      if (begin < end)
        windows.push_back(
            {begin, 1, end - begin, n_rows, static_cast<uint64_t>(g), static_cast<uint64_t>(w)});
    }
  }
  return windows;
}

/// Cuts the part of each group into as few windows as have at most shuffle_rows examples or one
/// block each. REQUIRES: there are more blocks than groups.
std::vector<BlockRun> Windows(const RecordCounts& records, int n_groups, int64_t shuffle_rows) {
  int64_t n = CeilDiv(CeilDiv(records.n_examples(), n_groups), shuffle_rows);
  while (true) {
    std::vector<BlockRun> windows = CutInto(n, records, n_groups);
    if (std::all_of(windows.begin(), windows.end(), [&](const BlockRun& window) {
          return window.n == 1 || window.n_rows <= shuffle_rows;
        }))
      return windows;
    n += n / 8 + 1;
  }
}

/// A fraction of n that differs from stream to stream: multiples of the golden ratio, modulo 1, of
/// any consecutive streams are spread evenly (Knuth, The Art of Computer Programming, vol. 3, 6.4,
/// theorem S).
int64_t SpreadOver(int64_t n, int stream) {
  const uint64_t fraction = (static_cast<uint64_t>(stream) * 0x9e3779b97f4a7c15ull) >> 32;
  return static_cast<int64_t>(
      (static_cast<unsigned __int128>(fraction) * static_cast<uint64_t>(n)) >> 32);
}

}  // namespace

StreamPlan::StreamPlan(const RecordCounts& records, int n_streams, int64_t examples_per_slice,
                       int64_t shuffle_rows)
    : n_streams_(n_streams),
      n_steps_(CeilDiv(records.n_examples(), examples_per_slice * n_streams)),
      group_examples_(static_cast<size_t>(NumGroups(records, n_streams, shuffle_rows))) {
  std::vector<std::vector<BlockRun>> windows(group_examples_.size());
  const int64_t n_group_max = CeilDiv(records.n_examples(), n_groups());
  if (n_group_max <= shuffle_rows || records.n_blocks() <= n_groups()) {
    for (int64_t block = 0; block < records.n_blocks(); ++block) {
      const size_t g = static_cast<size_t>(block % n_groups());
      if (windows[g].empty()) windows[g].push_back({block, n_groups(), 0, 0, g, 0});
      ++windows[g].back().n;
      windows[g].back().n_rows += records.ExamplesOf(block);
    }
  } else {
    for (const BlockRun& run : Windows(records, n_groups(), shuffle_rows))
      windows[static_cast<size_t>(run.stream)].push_back(run);
  }
  for (size_t g = 0; g < windows.size(); ++g) {
    for (const BlockRun& run : windows[g]) group_examples_[g] += run.n_rows;
  }
  for (const std::vector<BlockRun>& own : windows) {
    first_run_.push_back(runs_.size());
    int64_t begin = 0;
    for (const BlockRun& run : own) {
      runs_.push_back(run);
      begin_of_run_.push_back(begin);
      begin += run.n_rows;
    }
  }
  first_run_.push_back(runs_.size());
}

std::vector<int64_t> StreamPlan::FirstBlocks(int worker, int n_workers) const {
  std::vector<int64_t> blocks;
  if (in_windows()) return blocks;
  std::vector<bool> is_needed(group_examples_.size());
  for (int s = worker; s < n_streams_; s += n_workers) is_needed[GroupOf(s)] = true;
  for (size_t g = 0; g < is_needed.size(); ++g) {
    for (size_t r = first_run_[g]; is_needed[g] && r < first_run_[g + 1]; ++r)
      AppendBlocks(runs_[r], &blocks);
  }
  return blocks;
}

int64_t StreamPlan::BeginOf(int stream) const {
  return group_examples_[GroupOf(stream)] * (stream / n_groups()) / (n_streams_ / n_groups());
}

int64_t StreamPlan::ExamplesBefore(int64_t step, int stream) const {
  // floor((n_rows * step + phase) / n_steps), whose product may be too large. The phases make the
  // streams round up at different steps: their sum is about as even as each of them.
  const int64_t n_rows = BeginOf(stream + n_groups()) - BeginOf(stream);
  return n_rows / n_steps_ * step +
         (n_rows % n_steps_ * step + SpreadOver(n_steps_, stream)) / n_steps_;
}

int64_t StreamPlan::StepExamples(int64_t step) const {
  int64_t n = 0;
  for (int s = 0; s < n_streams(); ++s) n += SliceExamples(step, s);
  return n;
}

std::vector<Piece> StreamPlan::Pieces(int64_t step, int stream) const {
  std::vector<Piece> pieces;
  int64_t next = BeginOf(stream) + ExamplesBefore(step, stream);
  const int64_t end = next + SliceExamples(step, stream);
  if (next == end) return pieces;
  const auto begins = begin_of_run_.begin();
  const size_t group = GroupOf(stream);
  const auto after = std::upper_bound(begins + static_cast<int64_t>(first_run_[group]),
                                      begins + static_cast<int64_t>(first_run_[group + 1]), next);
  for (int64_t run = after - begins - 1; next < end; ++run) {
    const size_t r = static_cast<size_t>(run);
    const int64_t n = std::min(end, begin_of_run_[r] + runs_[r].n_rows) - next;
    if (n > 0) pieces.push_back({run, next - begin_of_run_[r], n});
    next += n;
  }
  return pieces;
}

int64_t StreamPlan::KeptExamples(int64_t n_own_streams) const {
  int64_t n = 0;
  for (const BlockRun& run : runs_) n = std::max(n, run.n_rows);
  return std::min<int64_t>(n_own_streams, n_groups()) * n *
         (runs_.size() > group_examples_.size() ? 2 : 1);
}

RangePlan::RangePlan(const RecordCounts& records, int n_workers, int64_t batch_size,
                     int64_t shuffle_rows, int64_t n_ranges_max) {
  const int64_t n_rows = records.n_examples();
  const int64_t n_target = std::min(n_rows / (kRangesPerWorker * n_workers), shuffle_rows);
  const int64_t range_examples = std::max<int64_t>(n_target / batch_size, 1) * batch_size;
  in_file_order_ = n_rows / n_workers > shuffle_rows;
  MakeRuns(records, n_workers, range_examples, shuffle_rows, n_ranges_max);
  MakeRanges(batch_size, range_examples, n_ranges_max);
}

void RangePlan::MakeRuns(const RecordCounts& records, int n_workers, int64_t range_examples,
                         int64_t shuffle_rows, int64_t n_ranges_max) {
  const int64_t n_rows = records.n_examples();
  const int64_t n_blocks = records.n_blocks();
  if (n_blocks == 0) return;
  int64_t rows_per_block = 1;  // a line may have many examples: see kMaxExamplesOfBlock
  for (int64_t block = 0; block < n_blocks; ++block)
    rows_per_block = std::max(rows_per_block, records.ExamplesOf(block));
  const int64_t least = in_file_order_ ? 1 : kMixedBlocks;
  const int64_t blocks_per_run = std::max(
      {std::min(std::max(range_examples / rows_per_block, least), shuffle_rows / rows_per_block),
       CeilDiv(n_blocks, n_ranges_max), int64_t{1}});
  // The number of runs that interleave: where there are enough, a multiple of the workers, so that
  // each has read whole runs in the first pass.
  int64_t n_runs = std::max(n_blocks / blocks_per_run, CeilDiv(n_rows, shuffle_rows));
  if (n_runs > n_workers) n_runs = n_runs / n_workers * n_workers;
  n_runs = std::clamp(n_runs, int64_t{1}, n_blocks);
  for (int64_t block = 0; block < n_blocks; ++block) {
    const int64_t run = in_file_order_ ? block / blocks_per_run : block % n_runs;
    if (run == static_cast<int64_t>(runs_.size()))
      runs_.push_back({block, in_file_order_ ? 1 : n_runs, 0, 0, static_cast<uint64_t>(run), 0});
    ++runs_[at(run)].n;
    runs_[at(run)].n_rows += records.ExamplesOf(block);
  }
}

void RangePlan::MakeRanges(int64_t batch_size, int64_t range_examples, int64_t n_ranges_max) {
  for (const BlockRun& run : runs_)
    first_batch_of_run_.push_back(first_batch_of_run_.back() + CeilDiv(run.n_rows, batch_size));
  const int64_t n_runs = static_cast<int64_t>(runs_.size());
  const int64_t batches_per_range =
      std::max(range_examples / batch_size,
               CeilDiv(first_batch_of_run_.back(), std::max<int64_t>(n_ranges_max - n_runs, 1)));
  for (int64_t run = 0; run < n_runs; ++run) {
    const int64_t first = first_batch_of_run_[at(run)];
    const int64_t n = first_batch_of_run_[at(run) + 1] - first;
    if (n == 0) continue;  // all of its lines are malformed
    const int64_t n_ranges = in_file_order_ ? 1 : std::max<int64_t>(n / batches_per_range, 1);
    for (int64_t i = 1; i <= n_ranges; ++i) {
      run_of_range_.push_back(run);
      first_batch_.push_back(first + i * n / n_ranges);
    }
  }
}

Piece RangePlan::Batch(int64_t range, int64_t nth) const {
  const int64_t run = run_of_range_[at(range)];
  const int64_t n_rows = runs_[at(run)].n_rows;
  const int64_t n = first_batch_of_run_[at(run) + 1] - first_batch_of_run_[at(run)];
  const int64_t in_run = FirstBatch(range) + nth - first_batch_of_run_[at(run)];
  const int64_t begin = in_run * n_rows / n;
  return {run, begin, (in_run + 1) * n_rows / n - begin};
}

std::vector<int64_t> RangePlan::FirstBlocks(int worker, int n_workers) const {
  std::vector<int64_t> blocks;
  if (in_file_order_ || runs_.empty()) return blocks;
  const size_t n_runs = runs_.size();
  const size_t w = static_cast<size_t>(worker);
  for (size_t r = w % n_runs; r < n_runs; r += static_cast<size_t>(n_workers))
    AppendBlocks(runs_[r], &blocks);
  return blocks;
}

std::vector<uint64_t> RangePlan::PreferredRanges(int worker,
                                                 const std::vector<uint64_t>& kept_runs) const {
  std::vector<bool> is_preferred(runs_.size());
  for (const uint64_t run : kept_runs) is_preferred[run] = true;
  is_preferred[static_cast<size_t>(worker) % runs_.size()] = true;
  std::vector<uint64_t> ranges;
  for (int64_t range = 0; range < n_ranges(); ++range) {
    if (is_preferred[at(run_of_range_[at(range)])]) ranges.push_back(static_cast<uint64_t>(range));
  }
  return ranges;
}

}  // namespace zhiyin::worker::data
