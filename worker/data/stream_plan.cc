#include <algorithm>

#include "worker/data/batches.h"

namespace zhiyin::worker {

std::vector<int> StreamPlan::StreamsOfWorker(int worker) const {
  std::vector<int> streams;
  for (int s = worker; s < n_streams; s += n_workers) streams.push_back(s);
  return streams;
}

int64_t StreamPlan::StepsPerEpoch() const {
  const int64_t longest = *std::max_element(stream_rows.begin(), stream_rows.end());
  return (longest + rows_per_slice - 1) / rows_per_slice;
}

int64_t StreamPlan::SliceRows(int stream, int64_t step) const {
  return std::clamp<int64_t>(stream_rows[static_cast<size_t>(stream)] - step * rows_per_slice, 0,
                             rows_per_slice);
}

int64_t StreamPlan::StepRows(int64_t step) const {
  int64_t n = 0;
  for (int s = 0; s < n_streams; ++s) n += SliceRows(s, step);
  return n;
}

void StreamPlan::SetRows(const BlockSummaries& blocks) {
  stream_rows.assign(static_cast<size_t>(n_streams), 0);
  for (const auto& [block, summary] : blocks)
    stream_rows[static_cast<size_t>(StreamOfBlock(block))] += summary.n_rows;
}

}  // namespace zhiyin::worker
