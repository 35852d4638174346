// The job's configuration: read, overridden, checked.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "configs/job.pb.h"
#include "configs/manifest.pb.h"

namespace zhiyin::launch::job {

/// Reads a job in protobuf text format, applies overrides ("path=value", in order), expands the
/// names of data files (worker/data/expand_files.h), makes all names of files absolute, fills in
/// every default that job.proto documents, and checks the whole. A relative name begins in the
/// folder of the config file; one in an override, in the current folder, where the command was
/// typed. Throws Error("FILE:LINE: PATH: what is wrong, what is expected"). Takes as long as it
/// takes to list the folders of the data.
Job LoadJob(const std::string& path, std::span<const std::string> overrides);

/// Loads a job from text; `name` stands for the file in messages, and relative file names in the
/// text begin in `folder`.
Job ParseJob(std::string_view text, const std::string& name, const std::string& folder,
             std::span<const std::string> overrides);

/// Loads a job from the text of one that was loaded before, as a handshake or a manifest has it:
/// its data files are not looked for again, here or on another host. Those that overrides name are
/// expanded.
Job ParseLoadedJob(std::string_view text, const std::string& name, const std::string& folder,
                   std::span<const std::string> overrides);

/// Checks the settings of a job that begins which depend on the number of workers, such as
/// train.slices. Throws Error.
void CheckAgainstRoles(const Job& job, int n_workers);
/// Does so for the job of a manifest without progress. One with progress keeps its number of
/// slices, and resumes on any number of workers: calls `note` where some will have no slice.
void CheckAgainstRoles(const Manifest& manifest, int n_workers,
                       const std::function<void(const std::string&)>& note);

/// The canonical text of a job. ParseLoadedJob reads it back to an equal job.
std::string JobToText(const Job& job);

}  // namespace zhiyin::launch::job
