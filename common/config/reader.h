// Protobuf text format, read strictly.
//
// The language is a subset of what protobuf's own parser reads, with equal results. That parser
// accepts some mistakes and reports others without their place. Here a field is set once and an
// alternative is chosen once; enum values are names; numbers are finite, decimal (or hexadecimal,
// 0x...) and fit their field; text is UTF-8. There are no extensions.
#pragma once

#include <google/protobuf/message.h>

#include <string_view>

#include "common/config/path.h"

namespace zhiyin::config {

/// Reads a whole file into *root, which is empty, and notes in *blame the line of every field.
/// Throws Error through *blame at the first mistake. REQUIRES: less than 2 GiB.
void ReadText(std::string_view text, ConfigBlame* blame, google::protobuf::Message* root);

/// Reads the value of an override, and nothing else, into the field of `message` at the end of
/// `path`. A value of a list is appended; a message stands in braces. REQUIRES: `message` is a part
/// of `root`, and `path` leads from `root` to the field of `message`; the field is clear if it is
/// not repeated; an entry of a list of messages exists and is clear.
void ReadFieldValue(std::string_view text, const ConfigPath& path, ConfigBlame* blame,
                    const google::protobuf::Message& root, google::protobuf::Message* message);

}  // namespace zhiyin::config
