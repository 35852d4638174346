#include "launch/rank/out_of_memory.h"

#include <algorithm>

#include "common/text.h"

namespace zhiyin::launch::rank {
namespace {

int64_t Megabytes(int64_t n_bytes) {
  return (n_bytes + 999'999) / 1'000'000;
}

}  // namespace

std::string ServerOutOfMemory(const std::string& rank, std::span<const TableMemory> tables) {
  const auto largest = std::max_element(
      tables.begin(), tables.end(),
      [](const TableMemory& a, const TableMemory& b) { return a.n_bytes < b.n_bytes; });
  if (largest == tables.end()) return OutOfMemory(rank);
  int64_t n_bytes = 0;
  for (const TableMemory& table : tables) n_bytes += table.n_bytes;
  return TextOf(rank, ": out of memory: this server's tables have ", Megabytes(n_bytes),
                " MB, of which table ", largest->name, " has ", Megabytes(largest->n_bytes),
                " MB in ", largest->n_rows,
                " rows: use more servers, fewer ranks on a host, a smaller dim, or admission and "
                "eviction of rows (docs/tables.md)");
}

std::string OutOfMemory(const std::string& rank) {
  return rank +
         ": out of memory: it holds no table: use fewer ranks on a host, or a "
         "smaller data.shuffle_rows or train.batch_size";
}

}  // namespace zhiyin::launch::rank
