// Resuming a job: from which checkpoint, and whether the checkpoint is of this job.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "configs/manifest.pb.h"

namespace zhiyin::launch::job {

/// What a job begins with.
struct JobStart {
  Manifest manifest;        // the job; its progress where it goes on
  std::string rows;         // the folder of the model that servers load; "": none
  bool inits_dense = true;  // the model's own weights get their first values
};

/// From the newest checkpoint of the output folder that is whole; nothing where there is none.
/// `note` hears what is not used, what has changed, and where tables, fields or tasks were added
/// what is kept and what is new. Throws Error when what changed would make the rows or the position
/// in the data mean something else, naming the field with both values.
std::optional<JobStart> ResumeFrom(const std::string& output, const Job& job,
                                   const std::function<void(const std::string&)>& note);

/// A new job, with the rows that its train.warm_start wants, if any. `note` and errors as in
/// ResumeFrom.
JobStart BeginAnew(const Job& job, const std::function<void(const std::string&)>& note);

}  // namespace zhiyin::launch::job
