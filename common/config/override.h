// --set path=value.
#pragma once

#include <string>

#include "common/config/path.h"
#include "configs/job.pb.h"

namespace zhiyin::config {

/// Sets one field and nothing else, and notes that in *blame. Paths are as job.proto shows them:
/// train.staleness, table[categories].dim, task[0].weight. A repeated scalar takes a list with
/// commas, a message takes text format in braces and is replaced. Throws Error("--set PATH=VALUE:
/// ...") for an unknown path (with the nearest name), a value of the wrong type, or an alternative
/// that is not the chosen one.
void ApplyOverride(const std::string& text, ConfigBlame* blame, Job* job);

}  // namespace zhiyin::config
