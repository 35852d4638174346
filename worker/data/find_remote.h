// Looks for data files in places that the plugin reaches (remote_file.h), as find_files.h does on
// this host.
#pragma once

#include <string>
#include <vector>

#include "worker/data/find_files.h"

namespace zhiyin::worker::data {

/// Finds the files that a name leads to, in bytewise order of their paths: one file, all in a
/// folder and in folders inside it, or those that match a pattern of * and [...]: a ? begins the
/// options. Files and folders whose names begin with . or _ are left out where they are not named.
/// None where nothing matches a pattern. Throws Error, which begins with the name, where there is
/// neither a file nor a folder, as LookAtRemote does, and beyond the limits of find_files.h.
/// REQUIRES: IsRemote(name).
std::vector<FoundFile> FindRemote(const std::string& name);

}  // namespace zhiyin::worker::data
