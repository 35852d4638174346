// The interface of the sources of examples.
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

/// Lines of a split are numbered from 0, malformed ones included; block b has the lines from b *
/// kBlockRows on. A block is read by one worker: it is the unit of distribution, of statistics, and
/// of a batch in evaluation.
inline constexpr int64_t kBlockRows = 256;
/// The largest number of examples of a block: with data.behaviour.negatives, each line may have a
/// hundred negative examples in addition.
inline constexpr int64_t kMaxRowsOfBlock = kBlockRows * 101;

/// A malformed line. `what` is a sentence for the log: "census.gz:17: 3 columns, expected 42".
struct BadLine {
  int64_t row = 0;  // the number of the line in the split
  std::string what;
};

/// One split of the job's data. Used by one thread at a time; independent of all other Sources.
class Source {
 public:
  virtual ~Source() = default;

  /// Replaces *rows by the examples of a block, in order, and *bad by its malformed lines; the
  /// caller may have moved from both. Returns how many lines the block has, malformed ones
  /// included: 0 past the end of the split.
  ///
  /// Blocks may be read in any order. Ascending order is cheap: lines in between are skipped at the
  /// cost of finding their ends. In a plain file, blocks that were passed before are jumped to; a
  /// gzip is read again from its beginning. Throws Error for a file that is missing, a folder,
  /// unreadable, a corrupt gzip (with file and offset), or changed since the job began.
  virtual int64_t Read(int64_t block, Rows* rows, std::vector<BadLine>* bad) = 0;
};

enum class SplitKind { kTrain, kTest };

/// Makes the configured source, which keeps no reference to `job`. `labels` are the domains of
/// the tasks' labels; if empty, labels are not read. `observer` is called for every category that
/// is read, also in lines that turn out to be malformed. Throws Error at once where a file is
/// missing or a column does not exist.
std::unique_ptr<Source> MakeSource(const Job& job, SplitKind split, LabelDomains labels,
                                   RowParser::Observer observer = {});

}  // namespace zhiyin::worker::data
