// Defaults and checks of data.behaviour of job.proto.
#pragma once

#include "common/config/checker.h"
#include "configs/job.pb.h"
#include "worker/data/known_columns.h"

namespace zhiyin::worker::data {

void FillBehaviour(zhiyin::Behaviour* behaviour);
/// Throws Error, by way of `check`, for the first thing about data.behaviour that is impossible.
/// `known`: the columns that it may name. REQUIRES: the job has data.behaviour, with its defaults.
void CheckBehaviour(const config::Checker& check, const Job& job, const KnownColumns& known);

}  // namespace zhiyin::worker::data
