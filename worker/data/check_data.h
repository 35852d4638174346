// Defaults and checks of a job's data.
#pragma once

#include "common/config/checker.h"
#include "configs/job.pb.h"
#include "worker/data/known_columns.h"

namespace zhiyin::worker::data {

/// Fills in what the job leaves out of its data.
void FillData(Data* data);

/// Throws Error, by way of `check`, for the first thing about the data that is impossible. Returns
/// the columns that examples have. REQUIRES: defaults are filled in.
KnownColumns CheckData(const config::Checker& check, const Job& job);

}  // namespace zhiyin::worker::data
