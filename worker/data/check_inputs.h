// Defaults and checks of a job's fields and numerics, and of the rules that make labels.
#pragma once

#include "common/config/checker.h"
#include "configs/job.pb.h"
#include "worker/data/known_columns.h"

namespace zhiyin::worker::data {

/// Fills in what the job leaves out of its fields and numerics.
void FillInputs(Job* job);

/// The functions below throw Error, by way of `check`, for the first thing that is impossible.
/// `columns`: those that examples have. REQUIRES: defaults are filled in, and the data was checked.

/// Checks the fields and numerics.
void CheckInputs(const config::Checker& check, const Job& job, const KnownColumns& columns);

/// Checks the column and the rule of a label or of a sample space, at `path`. A rule that gives
/// every example one label is a mistake.
void CheckLabel(const config::Checker& check, const config::ConfigPath& path, const Label& label,
                const Data& data, const KnownColumns& columns);

}  // namespace zhiyin::worker::data
