// The job's configuration: read, overridden, checked.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "configs/job.pb.h"

namespace zhiyin::launch::job {

/// Reads a job in protobuf text format, applies overrides ("path=value", in order), makes file
/// names absolute (relative ones are looked up beside the config file), fills in every default that
/// job.proto documents, and checks the whole. Throws Error("FILE:LINE: PATH: what is wrong, what is
/// expected").
Job LoadJob(const std::string& path, std::span<const std::string> overrides);

/// Loads a job from text; `name` stands for the file in messages, `folder` is where relative file
/// names are looked up.
Job ParseJob(std::string_view text, const std::string& name, const std::string& folder,
             std::span<const std::string> overrides);

/// Checks the settings that depend on the number of workers, such as train.slices. Throws Error.
void CheckAgainstRoles(const Job& job, int n_workers);

/// The canonical text of a job. ParseJob reads it back to an equal job.
std::string JobToText(const Job& job);

}  // namespace zhiyin::launch::job
