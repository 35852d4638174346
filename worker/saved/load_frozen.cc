#include "worker/saved/load_frozen.h"

#include <span>
#include <vector>

#include "ps/partitioner.h"
#include "ps/save/checkpoint.h"
#include "ps/table/table.h"

namespace zhiyin::worker::saved {

std::shared_ptr<const FrozenModel> LoadFrozen(const ps::save::SavedChain& saved) {
  const Manifest& manifest = saved.back().manifest;
  auto model = std::make_shared<FrozenModel>(manifest);
  std::vector<ps::table::Table> tables = ps::table::EmptyTables(manifest.job());
  ps::save::LoadRows(
      saved, ps::save::CarryAll(tables.size()), {1, 1}, 0, &tables, [] {}, Beside::kThread);
  std::vector<float> weights;
  for (ps::table::Table& table : tables) {
    weights.resize(static_cast<size_t>(table.dim()));
    for (int shard = 0; shard < ps::kNumShards; ++shard) {
      table.VisitShard(shard, [&](Key key, std::span<const std::byte> row) {
        // ReadWeights only reads; it takes the addresses that Find gives.
        std::byte* const address = const_cast<std::byte*>(row.data());
        table.ReadWeights(std::span(&address, 1), FP32, weights.data());
        model->AddRow(table.spec().id, key, weights);
      });
    }
  }
  return model;
}

}  // namespace zhiyin::worker::saved
