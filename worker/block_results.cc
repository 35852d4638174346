#include "worker/block_results.h"

#include "common/bytes.h"

namespace zhiyin::worker {

std::string BlockResults::Serialize() const {
  ByteWriter out;
  out.Put<uint64_t>(blocks_.size());
  for (const auto& [number, block] : blocks_) {
    out.Put(number);
    out.PutArray<float>(block.labels);
    out.PutArray<float>(block.predictions);
    out.PutArray<double>(block.loss_sums);
  }
  return out.Take();
}

void BlockResults::Merge(std::string_view bytes) {
  ByteReader in(bytes, "results of an evaluation");
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    const int64_t number = in.Get<int64_t>();
    Block block;
    block.labels = in.GetArray<float>();
    block.predictions = in.GetArray<float>();
    block.loss_sums = in.GetArray<double>();
    Add(number, std::move(block));
  }
}

}  // namespace zhiyin::worker
