// Protobuf text format, read strictly.
//
// Every text that is accepted here is accepted by protobuf's own parser too, with an equal result.
// That parser also accepts some mistakes, and reports others without their place. This reader
// refuses a field that is set twice, two fields of one oneof, numbers in place of the names of enum
// values, numbers that are octal, not finite or too large for their field, integers of 64 bits that
// a double would round, text that is not UTF-8, and extensions. Integers may be hexadecimal
// (0x...).
#pragma once

#include <google/protobuf/message.h>

#include <string_view>

#include "common/config/path.h"

namespace zhiyin::config {

/// Reads the text of a whole file into *root and notes in *blame the line of every field. Passes
/// over a byte order mark of UTF-8. Throws Error by way of *blame at the first mistake. REQUIRES:
/// *root is empty; the text is shorter than 2 GiB.
void ReadText(std::string_view text, ConfigBlame* blame, google::protobuf::Message* root);

/// Reads the value of an override into the field at the end of `path`. `message` is the message of
/// `root` that holds the field. The value of a repeated field is one entry, which is appended; a
/// message is written in braces. Throws Error by way of *blame at the first mistake, and where text
/// follows the value. REQUIRES: a field that is not repeated is clear; for an entry of a repeated
/// message field, the entry exists already and is clear.
void ReadFieldValue(std::string_view text, const ConfigPath& path, ConfigBlame* blame,
                    const google::protobuf::Message& root, google::protobuf::Message* message);

}  // namespace zhiyin::config
