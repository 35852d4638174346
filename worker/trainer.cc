#include "worker/trainer.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin::worker {

Trainer::Trainer(const Job& job, const StreamPlan& plan, int worker, SliceReader* reader, ps::Client* client,
                 Model* model, DenseWeights* dense, TaskHeads* heads, std::function<void()> tick)
    : plan_(plan),
      streams_(plan.StreamsOfWorker(worker)),
      reader_(reader),
      client_(client),
      model_(model),
      dense_(dense),
      heads_(heads),
      tick_(std::move(tick)),
      seed_(job.train().seed()),
      prefetch_(job.train().prefetch()),
      slots_{Slot(EmbeddingInput(job, InputLayout::Of(job))),
             Slot(EmbeddingInput(job, InputLayout::Of(job)))} {}

void Trainer::TrainEpoch(int64_t epoch, const std::function<void(const EpochTally&)>& after_slice) {
  slice_sums_.clear();
  tally_ = EpochTally();
  const double waited_before = client_->waited_s();
  tally_.aucs.resize(static_cast<size_t>(heads_->n_tasks()));
  const int64_t n_slices = plan_.StepsPerEpoch() * static_cast<int64_t>(streams_.size());
  if (prefetch_ && n_slices > 0) Start(epoch, 0, &slots_[0]);
  for (int64_t nth = 0; nth < n_slices; ++nth) {
    const int64_t to_start = prefetch_ ? nth + 1 : nth;
    if (to_start < n_slices) Start(epoch, to_start, &slots_[to_start % 2]);
    Finish(epoch, &slots_[nth % 2]);
    after_slice(tally_);
  }
  client_->Drain();
  tally_.waited_s = client_->waited_s() - waited_before;
}

/// The nth slice of the epoch, up to the request for its rows.
void Trainer::Start(int64_t epoch, int64_t nth, Slot* slot) {
  const Rows& rows = reader_->Next(tick_);
  const int64_t n_streams = static_cast<int64_t>(streams_.size());
  slot->step = nth / n_streams;
  slot->stream = streams_[static_cast<size_t>(nth % n_streams)];
  heads_->TakeTargets(rows, &slot->targets);
  slot->input.Prepare(rows);

  slot->exchange.clock = static_cast<uint64_t>(epoch * plan_.StepsPerEpoch() + slot->step);
  slot->exchange.parts.resize(static_cast<size_t>(slot->input.n_tables()) + 1);
  // The slices of a step see the same weights: the first fetches them for all.
  const bool fetch_dense = nth % n_streams == 0;
  slot->exchange.parts[kDenseTable] = {dense_->keys(), fetch_dense, dense_->weight_rows().data(),
                                       dense_->gradient_rows().data()};
  for (int t = 0; t < slot->input.n_tables(); ++t) {
    slot->exchange.parts[static_cast<size_t>(t) + 1] = {slot->input.keys(t), true, slot->input.weights(t),
                                                        slot->input.gradients(t)};
  }
  client_->PullStart(&slot->exchange);
}

/// From the rows to the push of their gradients.
void Trainer::Finish(int64_t epoch, Slot* slot) {
  client_->PullFinish(&slot->exchange);
  slot->input.Pool(&x_);
  const ConstMatrixView x(x_.data(), x_.rows(), x_.cols());
  const Pass pass = {true, Random(seed_, slot->exchange.clock, static_cast<uint64_t>(slot->stream)).Next()};
  model_->Forward(dense_->weights(), x, pass, &outputs_);

  const size_t n_tasks = static_cast<size_t>(heads_->n_tasks());
  predictions_.resize(slot->targets.labels.size());
  heads_->Predictions(outputs_, predictions_);
  slice_sums_.resize(slice_sums_.size() + n_tasks);
  const std::span<TaskSums> sums = std::span(slice_sums_).last(n_tasks);
  heads_->Sums(outputs_, predictions_, slot->targets, sums);
  tally_.n_rows += slot->input.n_rows();
  for (size_t t = 0; t < n_tasks; ++t) {
    const int task = static_cast<int>(t);
    if (!std::isfinite(sums[t].loss)) {
      Fail("epoch ", epoch + 1, ", step ", slot->step, ": the loss of task ", heads_->name(task), " is ",
           sums[t].loss,
           ", expected a finite number: lower the learning rates, or look for extreme values in the numeric "
           "columns");
    }
    tally_.loss_sum += heads_->weight(task) * sums[t].loss;
    if (!HasAuc(heads_->kind(task))) continue;
    for (size_t at = t; at < predictions_.size(); at += n_tasks) {
      const float label = slot->targets.labels[at];
      if (!std::isnan(label)) tally_.aucs[t].Add(InUnitInterval(heads_->kind(task), predictions_[at]), label);
    }
  }

  client_->Progress();
  const int64_t n_rows_of_step = plan_.StepRows(slot->step);
  heads_->Derivatives(outputs_, slot->targets, n_rows_of_step, &doutputs_);
  own_losses_.assign(n_tasks, 0);
  model_->AddOwnLoss(outputs_, slot->targets.labels, 1.0f / static_cast<float>(n_rows_of_step), own_losses_, &doutputs_);
  for (size_t t = 0; t < n_tasks; ++t) tally_.loss_sum += sums[t].own_loss = own_losses_[t];
  std::fill(dense_->gradient_rows().begin(), dense_->gradient_rows().end(), 0.0f);
  model_->Backward(dense_->weights(), x, doutputs_, dense_->gradients(), &dx_);
  slot->input.Scatter(dx_);
  client_->PushStart(&slot->exchange, slot->stream, plan_.n_streams);
}

}  // namespace zhiyin::worker
