// What the records that were read of a split say about its first_row and n_rows.
#pragma once

#include <cstdint>
#include <string>

#include "configs/job.pb.h"
#include "worker/data/split_kind.h"

namespace zhiyin::worker::data {

// Both functions return a sentence about the split, "" where there is nothing to say. `n_records`
// is how many records were read of it, malformed ones included. data.behaviour, which divides the
// lines itself, leaves nothing to say.

/// Says that n_rows asks for more than the files have: "n_rows is 5000, but the files have only 30
/// rows from first_row on".
std::string TooFewRecords(const Data& data, SplitKind split, int64_t n_records);
/// Says that the split reads records of data.train: "10 of its 30 rows are in data.train, too".
/// Splits that have only some of their files in common are not compared.
std::string RecordsOfTraining(const Data& data, SplitKind split, int64_t n_records);

}  // namespace zhiyin::worker::data
