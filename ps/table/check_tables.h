// Defaults and checks of a job's tables.
#pragma once

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::ps::table {

/// Fills in what the job leaves out of its tables.
void FillTables(Job* job);

/// Throws Error, by way of `check`, for the first thing about the tables that is impossible.
/// REQUIRES: defaults are filled in.
void CheckTables(const config::Checker& check, const Job& job);

}  // namespace zhiyin::ps::table
