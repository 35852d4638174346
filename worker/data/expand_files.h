// What the names in data.train.file, data.join.file and so on mean: files, folders, patterns,
// lists.
//
// Rank 0 expands them, once, when a job is loaded, so that all ranks read the files that it found,
// in its order, whatever comes into a folder meanwhile. A saved model keeps the files.
#pragma once

#include <string>

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::data {

/// How the names of files in the text of a job are meant. Those that an override sets begin in the
/// current folder and are expanded in any case.
struct FileNaming {
  std::string folder;        // relative names begin here
  bool is_expanded = false;  // the job was loaded before: they are names of files
};

/// Replaces the names of all splits and joins by absolute ones of files: a folder by all files in
/// it, a pattern by those that match it (worker/data/find_files.h, find_remote.h for URLs), @LIST
/// by those that the lines of the file LIST name. Makes data.index and data.statistics.model
/// absolute. A name that exists as it is written is taken as it is. A plain name of no file stays,
/// since the file may be on the hosts of the workers only. Throws Error, by way of `check` with the
/// place of the name, where a name is a URL of a place that cannot be reached, cannot be expanded
/// or leads to no file, where a file is named twice (unless both names are plain ones in `file`),
/// and where the names are too many for the manifest of a model. The name of standard input stays
/// (pipe.h). REQUIRES: *data is a part of the message that `check` is for.
void ExpandFiles(const config::Checker& check, const FileNaming& naming, Data* data);

}  // namespace zhiyin::worker::data
