// Overrides of single fields: --set path=value.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "common/config/path.h"

namespace zhiyin::config {

/// Sets one field and nothing else, and notes it in *blame. Paths are made of the names of fields:
/// train.staleness, table[categories].dim, task[0].weight. A repeated scalar takes a list with
/// commas; a message takes text format in braces and is replaced. Throws Error("--set PATH=VALUE:
/// ...") for an unknown path (with the nearest name), a value of the wrong type, or an alternative
/// that is not the chosen one.
void ApplyOverride(const std::string& text, ConfigBlame* blame, google::protobuf::Message* root);

}  // namespace zhiyin::config
