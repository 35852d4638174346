// Protobuf text format, read strictly.
//
// A subset of what protobuf's own parser reads, to the same job: that parser lets some mistakes
// pass and names others without their place. Here a field is set once and an alternative is chosen
// once; enum values are names; numbers are finite, decimal (or hexadecimal, 0x...) and fit their
// field; text is UTF-8. There are no extensions.
#pragma once

#include <google/protobuf/message.h>

#include <string_view>

#include "common/config/path.h"
#include "configs/job.pb.h"

namespace zhiyin::config {

/// Reads a whole file into *job, which is empty, and notes in *blame the line of all that it sets.
/// Throws Error by way of *blame for the first mistake. REQUIRES: less than 2 GiB.
void ReadJobText(std::string_view text, ConfigBlame* blame, Job* job);

/// Reads a value, and nothing else, into the field of `message` at the end of `path`, as an
/// override gives it. A value of a list is added to it; a message stands in braces. REQUIRES:
/// `message` is a part of `job`, and `path` leads from there to its field; the field is clear if it
/// is not repeated; an entry of a list of messages is there and clear.
void ReadFieldValue(std::string_view text, const ConfigPath& path, ConfigBlame* blame,
                    const Job& job, google::protobuf::Message* message);

}  // namespace zhiyin::config
