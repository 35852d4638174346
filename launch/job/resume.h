// Resuming a job: chooses the checkpoint, and checks that it fits the job.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/tick.h"
#include "configs/manifest.pb.h"

namespace zhiyin::launch::job {

/// The initial state of a job. Plain data.
struct JobStart {
  Manifest manifest;        // the job, with its progress if it is resumed
  std::string rows;         // the folder of the model that servers load; "": none
  bool inits_dense = true;  // whether the dense weights must be initialized
};

/// Returns the state of the newest intact checkpoint of the output folder; nothing if there is
/// none. Calls `note` with lines about checkpoints that are not used, about changes of the job,
/// about a best model that the folder no longer holds, which the state then knows nothing of, and,
/// if tables, fields or tasks were added, about rows that are kept and new. Throws Error, naming
/// the field with both values, when a change would alter the meaning of the saved rows or of the
/// position in the data. Calls `tick` while it reads and checks the checkpoint's files, which may
/// take long.
std::optional<JobStart> ResumeFrom(
    const std::string& output, const Job& job, const std::function<void(const std::string&)>& note,
    const Tick& tick = [] {});

/// Returns the state of a new job, with the saved rows of train.warm_start and the statistics of
/// data.statistics.model, if they are set. Calls `note` with lines about these, and about rows that
/// are kept and new. Throws Error when the rows or the statistics do not fit.
JobStart BeginAnew(const Job& job, const std::function<void(const std::string&)>& note);

}  // namespace zhiyin::launch::job
