// Where a job's results go.
#pragma once

#include <string>

namespace zhiyin::launch {

/// Makes the folder where it is missing and sees that it can be written. Throws Error when it cannot, or when
/// it holds the results of an earlier run and `overwrite` is false. Nothing of an earlier run is removed:
/// each file is replaced when its successor is whole.
void PrepareOutputFolder(const std::string& path, bool overwrite);

/// For a command that writes one file. Throws Error when it is a folder, or is there already and `overwrite`
/// is false, or would lie in a folder that does not exist.
void CheckOutputFile(const std::string& path, bool overwrite);

}  // namespace zhiyin::launch
