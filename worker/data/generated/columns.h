// What the configuration knows of generated data: its columns, as job.proto documents them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::data {

/// "generated_ratings"; "" where the data is not generated.
std::string_view GeneratedName(const Data& data);
/// Rows that there are. REQUIRES: the data is generated; also of the next.
int64_t GeneratedRows(const Data& data);
/// Names of the columns, in the order of their positions. REQUIRES: counts of columns in range.
std::vector<std::string> GeneratedColumns(const Data& data);

}  // namespace zhiyin::worker::data
