// The state file of a checkpoint: what the chief needs to resume, in a file of its own beside the
// manifest, which stays small. A block file (common/block_file.h) of the bytes "zystate1", then the
// content.
#pragma once

#include <string>
#include <string_view>

#include "configs/manifest.pb.h"

namespace zhiyin::worker::saved {

/// The path of the state file in the folder of a checkpoint.
std::string StatePath(const std::string& folder);

/// Writes the state of a checkpoint and reads it back. Returns its entry in the manifest. Throws
/// FileError when it cannot be written, and when it is larger than ReadState takes (1 GiB).
Progress::StateFile WriteState(const std::string& folder, std::string_view content);

/// Returns the content that WriteState wrote. Throws Error, naming the file, when it is missing,
/// damaged, or not the one of this entry.
std::string ReadState(const std::string& folder, const Progress::StateFile& entry);

}  // namespace zhiyin::worker::saved
