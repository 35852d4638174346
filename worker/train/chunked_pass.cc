#include "worker/train/chunked_pass.h"

#include <algorithm>
#include <cmath>

#include "common/random.h"
#include "worker/model/input_layout.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::worker::train {
namespace {

Eigen::Index RowsOfChunk(int64_t n_inputs, int64_t n_weights) {
  // As many floats of inputs and activations as fill about half of a cache of 2 MB, forward and
  // backward alike.
  constexpr int64_t kFloats = 480'000;
  // With fewer rows, a product waits for its weights rather than for activations.
  constexpr int64_t kFewest = 128;
  // Products of bfloat16 numbers are fastest for multiples of so many rows (product.cc).
  constexpr int64_t kUnit = 64;
  const int64_t inputs = std::max(n_inputs, int64_t{1});
  // A layer has about as many activations as its weights divided by its inputs.
  const int64_t of_row = inputs + n_weights / inputs;
  return std::max(kFewest, kFloats / of_row / kUnit * kUnit);
}

bool RelatesExamples(const Job& job, const model::Model& model) {
  if (job.model().hidden().normalization() == Hidden::BATCH || model.HasAuxiliaryLoss() ||
      model.vectors())
    return true;
  return std::ranges::any_of(
      job.task(), [](const Task& task) { return model::loss::ChosenLoss(task)->group != nullptr; });
}

}  // namespace

ChunkedPass::ChunkedPass(const Job& job, model::Model* model, model::TaskHeads* heads,
                         Profile* profile)
    : model_(model),
      heads_(heads),
      profile_(profile),
      n_tasks_(static_cast<size_t>(heads->n_tasks())),
      is_possible_(!RelatesExamples(job, *model) &&
                   job.train().balance().kind_case() == Balance::KIND_NOT_SET),
      rows_(RowsOfChunk(model::InputLayout::Of(job).dim, model->n_weights())),
      objectives_(n_tasks_) {}

bool ChunkedPass::Run(std::span<const float> weights, const Slice& slice,
                      const model::nn::Pass& pass, Matrix* outputs, std::span<float> predictions,
                      std::span<float> dweights, Matrix* dx) {
  const Eigen::Index n = slice.x.rows();
  outputs->resize(n, static_cast<Eigen::Index>(n_tasks_));
  dx->resize(n, slice.x.cols());
  bool is_finite = true;
  uint64_t number = 0;
  for (Eigen::Index begin = 0; begin < n; begin += rows_) {
    const Eigen::Index n_rows = std::min(rows_, n - begin);
    Memory& memory = n_rows == rows_ ? full_ : last_;
    const ConstMatrixView x(slice.x.data() + begin * slice.x.cols(), n_rows, slice.x.cols());
    model::nn::Pass of_chunk = pass;
    if (number > 0) of_chunk.seed = Random(pass.seed, number).Next();
    ++number;
    profile_->Enter(Stage::kForward);
    model_->Forward(weights, x, of_chunk, &memory.outputs);
    outputs->middleRows(begin, n_rows) = memory.outputs;
    profile_->Enter(Stage::kLoss);
    const std::span<float> of_rows = predictions.subspan(static_cast<size_t>(begin) * n_tasks_,
                                                         static_cast<size_t>(n_rows) * n_tasks_);
    heads_->Predictions(memory.outputs, of_rows);
    is_finite = is_finite && std::ranges::none_of(of_rows, [](float p) { return std::isnan(p); });
    if (!is_finite) continue;
    heads_->Derivatives(memory.outputs, slice.targets, begin, slice.step_examples, &memory.doutputs,
                        objectives_);
    profile_->Enter(Stage::kBackward);
    model_->Backward(weights, x, memory.doutputs, dweights, &memory.dx);
    dx->middleRows(begin, n_rows) = memory.dx;
  }
  return is_finite;
}

}  // namespace zhiyin::worker::train
