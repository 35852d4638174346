// A job that goes on from a checkpoint: which one, and whether it is the same job.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "configs/manifest.pb.h"

namespace zhiyin::launch {

struct Resumed {
  std::string folder;  // of the checkpoint; "": there is none, the job begins
  Manifest manifest;   // the job, and its progress if there is a checkpoint
};

/// From the newest checkpoint of the output folder that is whole. `note` hears what is not used, and what has changed. Throws
/// Error when what changed would make the rows or the position in the data mean something else, naming the field with both values.
Resumed ResumeFrom(const std::string& output, const Job& job, const std::function<void(const std::string&)>& note);

/// "PATH: is NOW, was BEFORE" of every field that differs: those that may change when a job goes on, and the others.
struct JobDifferences {
  std::vector<std::string> allowed;
  std::vector<std::string> refused;
};
JobDifferences Differences(const Job& before, const Job& now);

}  // namespace zhiyin::launch
