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
      (!block.weights.empty() && block.weights.size() != block.labels.size()) ||
      block.loss_sums.size() != n_tasks_) {
    Fail(kResultsName, ": block ", number, " has ", block.labels.size(), " labels, ",
         block.predictions.size(), " predictions, ", block.weights.size(), " weights and ",
         block.loss_sums.size(), " losses, expected those of ", n_tasks_, " tasks");
  }
  if (!blocks_.empty() && block.weights.empty() != blocks_.begin()->second.weights.empty())
    Fail(kResultsName, ": block ", number, " has weights or has none, unlike those before it");
  if (!block.groups.empty() && block.groups.size() * n_tasks_ != block.labels.size())
    Fail(kResultsName, ": block ", number, " has ", block.groups.size(), " groups and ",
         block.labels.size(), " labels, expected a group for those of ", n_tasks_, " tasks");
  if (!blocks_.empty() && block.groups.empty() != blocks_.begin()->second.groups.empty())
    Fail(kResultsName, ": block ", number, " has groups or has none, unlike those before it");
  for (size_t at = 0; at < block.predictions.size(); ++at) {
    // It could not be ranked among the others.
    if (!std::isnan(block.labels[at]) && !std::isfinite(block.predictions[at])) {
      Fail(kResultsName, ": block ", number, ": the prediction of a label is ",
           block.predictions[at], ", expected a finite number");
    }
  }
  for (const double w : block.weights) {
    if (!(w >= 0) || !std::isfinite(w))
      Fail(kResultsName, ": block ", number, ": a weight is ", w, ", expected 0 or more");
  }
  if (!blocks_.emplace(number, std::move(block)).second)
    Fail(kResultsName, ": block ", number, " came twice");
}

std::string BlockResults::Serialize() const {
  ByteWriter out;
  out.Put<uint64_t>(blocks_.size());
  for (const auto& [number, block] : blocks_) {
    out.Put(number);
    out.PutArray<double>(block.labels);
    out.PutArray<float>(block.predictions);
    out.PutArray<double>(block.weights);
    for (const ExactSum& sum : block.loss_sums) sum.Write(&out);
    out.PutArray<Key>(block.groups);
  }
  return out.Take();
}

void BlockResults::Merge(std::string_view bytes) {
  ByteReader in(bytes, kResultsName);
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    const int64_t number = in.Get<int64_t>();
    Block block;
    block.labels = in.GetArray<double>();
    block.predictions = in.GetArray<float>();
    block.weights = in.GetArray<double>();
    for (size_t t = 0; t < n_tasks_; ++t) block.loss_sums.push_back(ExactSum::Read(&in));
    block.groups = in.GetArray<Key>();
    Add(number, std::move(block));
  }
  if (!in.AtEnd()) Fail(kResultsName, ": bytes behind the last block");
}

}  // namespace zhiyin::worker::train
