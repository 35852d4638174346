// Rows from delimited text files.
#pragma once

#include <memory>

#include "configs/job.pb.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {

/// The split's rows of its files, one after the other as if they were one file. Throws Error where
/// MakeSource does. REQUIRES: the job's data is text.
std::unique_ptr<Source> MakeTextSource(const Job& job, const Split& split, LabelDomains labels,
                                       RowParser::Observer observer);

}  // namespace zhiyin::worker::data
