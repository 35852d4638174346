// A sample of the training examples, for the statistics that training begins with
// (data.statistics.sample_rows).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/source.h"
#include "worker/data/split_summary.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// What was found in a sample of the records of data.train.
struct RowSample {
  data::SplitSummary summary;  // without malformed records, joins and columns
  int64_t n_records = 0;       // that were read, malformed ones included
  bool is_whole = false;       // whether they are all that the files have
};

/// Reads a sample of at least `n` records, or all records where there are fewer, with all workers.
/// The units of the files are cut into parts of consecutive ones, and each part is read from one of
/// its units on, which the seed draws. Where these are too few, parts are read from their
/// beginnings on, and then more of each. So the sample depends on the files and the seed, and on
/// nothing else. A malformed record counts as read; a reader that begins within a value with line
/// ends may find some. Throws Error as Source does, and where no record makes an example.
/// Collective over all workers. REQUIRES: the files of `source` can be shared; what is read of them
/// later begins anew (SharedFiles::BeginShare).
RowSample SampleRows(const Job& job, int64_t n, data::Source* source, int n_workers, Group* group);

/// Returns lines for people about a sample that training begins with: how large it is, and which
/// numerics and tasks it tells nothing of.
std::vector<std::string> SampleNotes(const Job& job, const RowSample& sample);

}  // namespace zhiyin::worker::train
