#include <limits>

#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/train/prediction.h"

namespace zhiyin::fuzz {
namespace {

constexpr size_t kPredictedTasks = 2;

}  // namespace

/// What worker 1 sends, beside the chief's own block.
int FuzzPredictions(const uint8_t* data, size_t size) {
  Judge("predictions of a worker", [&] {
    worker::train::PredictedBlocks blocks(kPredictedTasks);
    blocks.Add(0, {2, {1}, {0.25f, 0.75f}});
    blocks.Merge({reinterpret_cast<const char*>(data), size});
    blocks.Lines();
  });
  return 0;
}

std::vector<std::string> PredictionsSeeds() {
  worker::train::PredictedBlocks blocks(kPredictedTasks);
  const std::string nothing = blocks.Serialize();
  blocks.Add(1, {3, {0, 2}, {0.5f, 1e-9f}});
  blocks.Add(3, {1, {}, {-3, std::numeric_limits<float>::quiet_NaN()}});
  blocks.Add(5, {2, {0, 1}, {}});
  return {nothing, blocks.Serialize()};
}

}  // namespace zhiyin::fuzz
