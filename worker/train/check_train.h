// Defaults and checks of how a job trains and evaluates.
#pragma once

#include <string>

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::train {

/// Makes the path of the model of train.warm_start absolute; a relative one begins in `folder`.
void ResolveFiles(const std::string& folder, Train* train);
/// Fills in what the job leaves out of `train` and `evaluation`.
void FillTrain(Job* job);

/// Throws Error, by way of `check`, for the first thing about `train` or `evaluation` that is
/// impossible. REQUIRES: defaults are filled in, and all other parts of the job were checked.
void CheckTrain(const config::Checker& check, const Job& job);

}  // namespace zhiyin::worker::train
