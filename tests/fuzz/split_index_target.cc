#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/train/split_indexes.h"

namespace zhiyin::fuzz {

int FuzzSplitIndex(const uint8_t* data, size_t size) {
  Judge("the index of a split", [&] {
    worker::train::SplitIndex::Parse({reinterpret_cast<const char*>(data), size});
  });
  return 0;
}

std::vector<std::string> SplitIndexSeeds() {
  worker::train::SplitIndex index;
  index.file_begins = {0, 512, -1};
  const std::string small = index.Serialize();
  index.findings.records.Append(700, 1);
  index.findings.summary.n_rows = 700;
  index.places = {{0, 0, {20, 1}}, {0, 256, {9000, 257}}, {1, 512, {20, 1}}};
  index.points[1] = {{700, 9000, {3, 0x5a, "a window"}}};
  return {small, index.Serialize()};
}

}  // namespace zhiyin::fuzz
