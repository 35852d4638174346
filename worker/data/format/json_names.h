// The names that a file of JSON Lines has for columns.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/format/delimited.h"

namespace zhiyin::worker::data {

/// The dialect of files of JSON Lines: lines are lines, whatever quotes they hold.
Dialect JsonDialect(const Text& text);

/// Returns the keys of the first records of a file (Format::names); those of an object within a
/// record as user.id. Throws Error where it cannot be read.
std::vector<std::string> JsonNames(const std::string& path, const Text& text);

}  // namespace zhiyin::worker::data
