// Overrides of single fields: --set path=value.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "common/config/path.h"

namespace zhiyin::config {

/// Sets one field, and records that in *blame. Paths consist of names of fields: train.staleness,
/// table[categories].dim, task[0].weight. The value of a repeated scalar is a list with commas;
/// that of a message is text format in braces. Both replace the old value. Throws Error, beginning
/// with "--set PATH=VALUE: ", for an unknown path (with the nearest name), a value of the wrong
/// type, or an alternative that is not the chosen one.
void ApplyOverride(const std::string& text, ConfigBlame* blame, google::protobuf::Message* root);

}  // namespace zhiyin::config
