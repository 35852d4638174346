#include "worker/train/scorer.h"

#include <glog/logging.h>

namespace zhiyin::worker::train {

Scorer::Scorer(const Job& job, ps::client::Client* client, model::Model* model,
               model::DenseWeights* dense, const model::TaskHeads* heads)
    : client_(client),
      model_(model),
      dense_(dense),
      heads_(heads),
      slots_{Slot(model::EmbeddingInput(job, model::InputLayout::Of(job))),
             Slot(model::EmbeddingInput(job, model::InputLayout::Of(job)))} {}

void Scorer::Start(int64_t block, const data::Examples& examples,
                   const data::Normalizer& normalizer) {
  CHECK_LT(n_started_, 2);
  Slot* slot = &slots_[next_];
  next_ = 1 - next_;
  ++n_started_;
  slot->block = block;
  heads_->TakeTargets(examples, &slot->targets);
  normalized_ = examples;  // a kept block stays as it was read
  normalizer.Apply(normalized_.numerics);
  slot->input.Prepare(normalized_);
  slot->exchange.parts.resize(static_cast<size_t>(slot->input.n_tables()) + 1);
  ps::client::Exchange::Part& dense = slot->exchange.parts[kDenseTable];
  dense = {};
  if (!dense_is_fresh_) dense = {dense_->keys(), true, dense_->weight_rows().data(), nullptr};
  dense_is_fresh_ = true;
  for (int t = 0; t < slot->input.n_tables(); ++t) {
    slot->exchange.parts[static_cast<size_t>(t) + 1] = {slot->input.keys(t), true,
                                                        slot->input.weights(t), nullptr};
  }
  client_->PeekStart(&slot->exchange);
}

const Scorer::Scored& Scorer::Finish() {
  CHECK_GT(n_started_, 0);
  Slot* slot = &slots_[n_started_ == 2 ? next_ : 1 - next_];
  --n_started_;
  client_->PullFinish(&slot->exchange);
  slot->input.Pool(&x_);
  model_->Forward(dense_->weights(), ConstMatrixView(x_.data(), x_.rows(), x_.cols()),
                  model::nn::Pass(), &scored_.outputs);
  scored_.block = slot->block;
  std::swap(scored_.targets, slot->targets);
  scored_.predictions.resize(scored_.targets.labels.size());
  heads_->Predictions(scored_.outputs, scored_.predictions);
  scored_.unpredicted = heads_->LeaveOutUndefined(scored_.predictions, &scored_.targets);
  return scored_;
}

}  // namespace zhiyin::worker::train
