// Where rows come from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/rows.h"

namespace zhiyin::worker {

/// Rows of a split are numbered from 0, malformed lines included; block b holds rows b * kBlockRows and on. A
/// block is what one worker reads: it is the unit of distribution, of statistics and of an evaluation batch.
inline constexpr int64_t kBlockRows = 256;

/// A malformed line. `what` is a whole sentence for the log: "census.gz:17: 3 columns, expected 42".
struct BadLine {
  int64_t row = 0;
  std::string what;
};

/// One split of the job's data. Used by one thread at a time; independent of all other Sources.
class Source {
 public:
  virtual ~Source() = default;

  /// Tells whether this block's rows are wanted; others are skipped at the cost of finding their line ends.
  using Wanted = std::function<bool(int64_t block)>;
  /// Receives a wanted block: its good rows in order (possibly none) and its malformed lines. May keep the
  /// rows by moving from them. Returning false ends the scan.
  using Sink = std::function<bool(int64_t block, Rows& rows, const std::vector<BadLine>& bad)>;

  /// One pass over the split, blocks in ascending order. Returns the number of rows seen, malformed ones
  /// included: those of the whole split unless the sink ended the scan. Throws Error for a file that is
  /// missing, a folder, unreadable, a corrupt gzip (with file and offset), a column that does not exist.
  virtual int64_t Scan(const Wanted& wanted, const Sink& sink) = 0;
};

enum class SplitKind { kTrain, kTest };

/// The configured source. Throws Error at once where a file is missing or a column does not exist. The job is
/// copied.
std::unique_ptr<Source> MakeSource(const Job& job, SplitKind split);

}  // namespace zhiyin::worker
