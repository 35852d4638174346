// Where rows come from.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/row_parser.h"
#include "worker/data/rows.h"
#include "worker/data/schema.h"

namespace zhiyin::worker::data {

/// Rows of a split are numbered from 0, malformed lines included; block b holds rows b * kBlockRows
/// and on. A block is what one worker reads: it is the unit of distribution, of statistics and of
/// an evaluation batch.
inline constexpr int64_t kBlockRows = 256;
/// Good rows that a block may have: with data.behaviour.negatives, each row of a file may have a
/// hundred more beside it.
inline constexpr int64_t kMaxRowsOfBlock = kBlockRows * 101;

/// A malformed line. `what` is a whole sentence for the log: "census.gz:17: 3 columns, expected
/// 42".
struct BadLine {
  int64_t row = 0;
  std::string what;
};

/// One split of the job's data. Used by one thread at a time; independent of all other Sources.
class Source {
 public:
  virtual ~Source() = default;

  /// Replaces *rows by the good rows of a block, in order, and *bad by its malformed lines; the
  /// caller may have moved from both. Returns how many rows the block has, malformed ones included:
  /// 0 past the end of the split. Blocks may be read in any order. Ascending is cheap: what lies
  /// between is skipped at the cost of finding its line ends. A block of a plain file that was
  /// passed before is jumped to; a gzip is read anew from its start. Throws Error for a file that
  /// is missing, a folder, unreadable, a corrupt gzip (with file and offset), a file that changes.
  virtual int64_t Read(int64_t block, Rows* rows, std::vector<BadLine>* bad) = 0;
};

enum class SplitKind { kTrain, kTest };

/// The configured source. Throws Error at once where a file is missing or a column does not exist.
/// The job is copied. `labels` says which labels the tasks accept; without domains labels are not
/// read. `observer` is told every category that is read, those of malformed lines
/// among them.
std::unique_ptr<Source> MakeSource(const Job& job, SplitKind split, LabelDomains labels,
                                   RowParser::Observer observer = {});

}  // namespace zhiyin::worker::data
