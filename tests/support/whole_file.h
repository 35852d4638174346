// A file of data, read to its end as readers do.
#pragma once

#include <string>

namespace zhiyin::testing {

/// What data::FileBytes reads of a file, a pipe or a URL, in pieces of 100,000 bytes.
std::string WholeFile(const std::string& path);

}  // namespace zhiyin::testing
