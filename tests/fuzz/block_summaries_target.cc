#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/data/statistics.h"

namespace zhiyin::fuzz {

int FuzzBlockSummaries(const uint8_t* data, size_t size) {
  Judge("block summaries", [&] {
    const worker::data::BlockSummaries blocks =
        worker::data::ParseBlockSummaries({reinterpret_cast<const char*>(data), size});
    const worker::data::SplitSummary split = worker::data::SplitSummary::Of(blocks);
    for (const worker::data::Moments& moments : split.numerics) moments.Stddev();
  });
  return 0;
}

std::vector<std::string> BlockSummariesSeeds() {
  worker::data::BlockSummaries blocks;
  for (int64_t block = 0; block < 3; ++block) {
    worker::data::BlockSummary& summary = blocks[2 * block];
    summary.n_rows = 5;
    summary.n_bad = block;
    if (block > 0) summary.first_bad = "file:3: 2 columns, expected 4";
    summary.numerics = {{5, 1.5, 0.25}, {2, -1e6, 1e12}};
    summary.n_observed = {5, 0};
  }
  return {worker::data::Serialize({}), worker::data::Serialize(blocks)};
}

}  // namespace zhiyin::fuzz
