// What a rank says when its memory is used up.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace zhiyin::launch::rank {

/// What a table of a server takes.
struct TableMemory {
  std::string name;
  int64_t n_rows = 0;
  int64_t n_bytes = 0;
};

/// One line about a server, `rank` ("rank 0 on HOST"): its largest table, and what to do. The
/// allocation that failed says little: whatever grows beside a large table fails as soon as the
/// table itself.
std::string ServerOutOfMemory(const std::string& rank, std::span<const TableMemory> tables);

/// One line about a worker, or a rank that holds nothing yet, and what to do.
std::string OutOfMemory(const std::string& rank);

}  // namespace zhiyin::launch::rank
