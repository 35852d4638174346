#include "launch/rank/out_of_memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace zhiyin::launch::rank {
namespace {

TEST(OutOfMemory, NamesRankHostAndTheLargestTable) {
  const std::vector<TableMemory> tables = {
      {"small", 10, 1'000}, {"users", 2'000'000, 1'500'000'000}, {"items", 500, 40'000}};
  EXPECT_EQ(ServerOutOfMemory("rank 1 on h2", tables),
            "rank 1 on h2: out of memory: this server's tables have 1501 MB, of which table users "
            "has 1500 MB in 2000000 rows: use more servers, fewer ranks on a host, a smaller dim, "
            "or admission and eviction of rows (docs/tables.md)");
  EXPECT_EQ(OutOfMemory("rank 3 on h1"),
            "rank 3 on h1: out of memory: it holds no table: use fewer ranks on a "
            "host, or a smaller data.shuffle_rows or train.batch_size");
}

}  // namespace
}  // namespace zhiyin::launch::rank
