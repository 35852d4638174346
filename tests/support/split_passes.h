// First passes of several workers over small files, and what they find.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/random.h"
#include "configs/job.pb.h"
#include "worker/data/split_summary.h"

namespace zhiyin::testing {

constexpr int64_t kNoRecordLimit = 1'000'000'000;

/// What all workers find and get.
struct PassResult {
  worker::data::SplitSummary summary;
  worker::data::RecordCounts records;
  /// [workers]: the blocks that each got.
  std::vector<std::map<int64_t, worker::data::Examples>> blocks;
  // By SplitPass::Read.
  int64_t n_bytes = 0;
  int64_t n_opened = 0;
  int64_t n_bytes_delivered = 0;  // read by SplitPass::Deliver
  bool is_shared = false;
};

/// Which blocks a worker of several wants.
using WantedBlocks = std::function<std::vector<int64_t>(int worker, int64_t n_blocks)>;

/// Returns the numbers of all blocks: every worker wants all.
std::vector<int64_t> AllBlocks(int worker, int64_t n_blocks);

/// Reads the training split with so many workers, of which each keeps at most `n_kept_max` records
/// of the blocks that it wants. Afterwards each reads some blocks with its source; where there is a
/// folder of indexes, all that it wants and did not get.
PassResult PassOver(const Job& job, int n_workers, int64_t n_kept_max = kNoRecordLimit,
                    const WantedBlocks& wanted = AllBlocks, const std::string& index_folder = "");

/// Returns a job that reads columns a (numbers), b (categories) and y (labels) of files with a
/// header.
Job JobOfColumns(const std::vector<std::string>& files);

/// Returns `n` lines of such a file, with all that makes it hard to begin in the middle of.
std::string LinesOfColumns(int64_t n, Random* random, bool quotes);

/// Expects equal findings of two passes, and equal blocks.
void ExpectSameFound(const PassResult& found, const PassResult& expected);

}  // namespace zhiyin::testing
