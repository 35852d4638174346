// Columns that a job reads and no record of a split has: a misspelt name in the job, or files with
// other names. Formats whose records name their values cannot tell before all are read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/schema.h"
#include "worker/data/split_kind.h"

namespace zhiyin::worker::data {

/// Adds the columns that other records have (Source::seen).
void MergeSeen(std::span<const uint8_t> other, std::vector<uint8_t>* seen);

/// Throws Error where no record of a split has a column that the job reads, with the nearest name
/// that the records do have. Indices, fields and slots of libsvm, libffm and slots are looked for
/// in training alone: where a few records lack one that training had, SeenNotes says so. `labels`
/// says how the records were read, `seen` what they have: empty where that need not be known.
void CheckSeen(const Job& job, SplitKind split, LabelUse labels, std::span<const uint8_t> seen);

/// Returns a line for people where no record of a split has some column, and CheckSeen allows that.
std::vector<std::string> SeenNotes(const Job& job, SplitKind split, LabelUse labels,
                                   std::span<const uint8_t> seen);

}  // namespace zhiyin::worker::data
