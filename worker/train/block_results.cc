#include "worker/train/block_results.h"

#include <cmath>

#include "common/bytes.h"
#include "common/error.h"

namespace zhiyin::worker::train {

namespace {

constexpr char kResultsName[] = "results of an evaluation";

}  // namespace

void BlockResults::Add(int64_t number, Block block) {
  if (block.labels.size() % n_tasks_ != 0 || block.predictions.size() != block.labels.size() ||
      block.loss_sums.size() != n_tasks_) {
    Fail(kResultsName, ": block ", number, " has ", block.labels.size(), " labels, ",
         block.predictions.size(), " predictions and ", block.loss_sums.size(),
         " losses, expected those of ", n_tasks_, " tasks");
  }
  for (const float p : block.predictions) {
    // It could not be ranked among the others.
    if (!std::isfinite(p)) {
      Fail(kResultsName, ": block ", number, ": a prediction is ", p,
           ", expected a finite number: lower the learning rates");
    }
  }
  if (!blocks_.emplace(number, std::move(block)).second)
    Fail(kResultsName, ": block ", number, " came twice");
}

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
  ByteReader in(bytes, kResultsName);
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    const int64_t number = in.Get<int64_t>();
    Block block;
    block.labels = in.GetArray<float>();
    block.predictions = in.GetArray<float>();
    block.loss_sums = in.GetArray<double>();
    Add(number, std::move(block));
  }
  if (!in.AtEnd()) Fail(kResultsName, ": bytes behind the last block");
}

}  // namespace zhiyin::worker::train
