// Rows from delimited text files.
#pragma once

#include <memory>

#include "worker/data/source.h"

namespace zhiyin::worker {

/// As MakeSource. REQUIRES: job.data has text.
std::unique_ptr<Source> MakeTextSource(const Job& job, const Split& split);

}  // namespace zhiyin::worker
