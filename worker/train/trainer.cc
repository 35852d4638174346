#include "worker/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin::worker::train {

Trainer::Trainer(const Job& job, Dealer* dealer, data::SliceReader* reader,
                 const net::Endpoint* clock, ps::client::Client* client, model::Model* model,
                 model::DenseWeights* dense, model::TaskHeads* heads,
                 model::balance::TaskBalance* balance, Profile* profile, std::function<void()> tick)
    : dealer_(dealer),
      reader_(reader),
      clock_(clock),
      client_(client),
      model_(model),
      dense_(dense),
      heads_(heads),
      balance_(balance),
      profile_(profile),
      tick_(std::move(tick)),
      seed_(job.train().seed()),
      prefetch_(job.train().prefetch()),
      synchronous_(job.train().staleness() == 0),
      slots_{Slot(model::EmbeddingInput(job, model::InputLayout::Of(job))),
             Slot(model::EmbeddingInput(job, model::InputLayout::Of(job)))},
      batch_statistics_(dense->weights()) {
  const int64_t n_slices = static_cast<int64_t>(dealer->RowsOfSlices().size());
  n_first_slices_ = n_slices - (n_slices + 7) / 8;
}

void Trainer::BeginEpoch(int64_t epoch) {
  epoch_ = epoch;
  slice_sums_ = SliceSums();
  tally_ = EpochTally();
  batch_statistics_.clear();
  waited_before_ = client_->waited_s();
  tally_.aucs.resize(static_cast<size_t>(heads_->n_tasks()));
  profile_->Enter(Stage::kDeal);
  dealer_->BeginEpoch(epoch);
}

bool Trainer::Run(uint64_t until, const std::function<void(const EpochTally&)>& after_slice) {
  until_ = until;
  Slot* now = &slots_[0];
  Slot* next = &slots_[1];
  bool more = Start(now);
  while (more) {
    bool next_started = prefetch_ && Start(next);
    Finish(now);
    profile_->Enter(Stage::kOther);
    after_slice(tally_);
    if (!prefetch_) next_started = Start(next);
    more = next_started;
    std::swap(now, next);
  }
  tally_.waited_s = client_->waited_s() - waited_before_;
  return !held_;
}

void Trainer::Settle() {
  profile_->Enter(Stage::kPush);
  client_->Drain();
  tally_.waited_s = client_->waited_s() - waited_before_;
}

void Trainer::EndEpoch() {
  Settle();
  profile_->Enter(Stage::kDeal);
  dealer_->EndEpoch();
  profile_->Enter(Stage::kOther);
}

bool Trainer::Start(Slot* slot) {
  profile_->Enter(Stage::kDeal);
  const std::optional<SliceTask> task =
      held_ ? std::exchange(held_, std::nullopt) : dealer_->Next();
  if (!task) return false;
  if (task->clock >= until_) {
    held_ = task;
    return false;
  }
  profile_->Enter(Stage::kRows);
  const data::Rows& rows = reader_->Next(tick_);
  profile_->Enter(Stage::kKeys);
  slot->task = *task;
  heads_->TakeTargets(rows, &slot->targets);
  slot->input.Prepare(rows);

  profile_->Enter(Stage::kPull);
  slot->exchange.clock = task->clock;
  slot->exchange.parts.resize(static_cast<size_t>(slot->input.n_tables()) + 1);
  // The slices of a synchronous step see one version of the weights: the first fetches it for all.
  const bool fetch_dense = !synchronous_ || dense_clock_ != task->clock;
  dense_clock_ = task->clock;
  slot->exchange.parts[kDenseTable] = {dense_->keys(), fetch_dense, dense_->weight_rows().data(),
                                       dense_->gradient_rows().data()};
  for (int t = 0; t < slot->input.n_tables(); ++t) {
    slot->exchange.parts[static_cast<size_t>(t) + 1] = {
        slot->input.keys(t), true, slot->input.weights(t), slot->input.gradients(t)};
  }
  client_->PullStart(&slot->exchange);
  return true;
}

/// From the rows to the push of their gradients.
void Trainer::Finish(Slot* slot) {
  profile_->Enter(Stage::kUnpack);
  client_->PullFinish(&slot->exchange);
  profile_->Enter(Stage::kPool);
  const double began = clock_->Now() - client_->waited_s();
  slot->input.Pool(&x_);
  const ConstMatrixView x(x_.data(), x_.rows(), x_.cols());
  const model::nn::Pass pass = {
      true, Random(seed_, slot->exchange.clock, static_cast<uint64_t>(slot->task.slice)).Next(),
      slot->task.number < n_first_slices_ ? nullptr : &batch_statistics_};
  profile_->Enter(Stage::kForward);
  model_->Forward(dense_->weights(), x, pass, &outputs_);

  profile_->Enter(Stage::kLoss);
  const size_t n_tasks = static_cast<size_t>(heads_->n_tasks());
  predictions_.resize(slot->targets.labels.size());
  heads_->Predictions(outputs_, predictions_);
  slice_sums_.numbers.push_back(slot->task.number);
  slice_sums_.sums.resize(slice_sums_.sums.size() + n_tasks);
  const std::span<model::TaskSums> sums = std::span(slice_sums_.sums).last(n_tasks);
  heads_->Sums(outputs_, predictions_, slot->targets, sums);
  profile_->Enter(Stage::kMetrics);
  tally_.n_rows += slot->input.n_rows();
  for (size_t t = 0; t < n_tasks; ++t) {
    const int task = static_cast<int>(t);
    if (!std::isfinite(sums[t].loss)) {
      Fail("epoch ", epoch_ + 1, ", step ", slot->task.clock, ": the loss of task ",
           heads_->name(task), " is ", sums[t].loss,
           ", expected a finite number: lower the learning rates, or look for extreme values in "
           "the numeric "
           "columns");
    }
    tally_.loss_sum += heads_->weight(task) * sums[t].loss;
    if (!model::metric::HasAuc(heads_->kind(task))) continue;
    for (size_t at = t; at < predictions_.size(); at += n_tasks) {
      const float label = slot->targets.labels[at];
      if (!std::isnan(label))
        tally_.aucs[t].Add(model::metric::InUnitInterval(heads_->kind(task), predictions_[at]),
                           label);
    }
  }

  profile_->Enter(Stage::kDeal);
  client_->Progress();
  dealer_->AskAhead();
  profile_->Enter(Stage::kLoss);
  objectives_.resize(n_tasks);
  heads_->Derivatives(outputs_, slot->targets, slot->task.step_rows, &doutputs_, objectives_);
  own_losses_.assign(n_tasks, 0);
  model_->AddAuxiliaryLoss(outputs_, slot->targets.labels,
                           1.0f / static_cast<float>(slot->task.step_rows), own_losses_,
                           &doutputs_);
  for (size_t t = 0; t < n_tasks; ++t) tally_.loss_sum += sums[t].own_loss = own_losses_[t];
  profile_->Enter(Stage::kBackward);
  std::ranges::fill(dense_->gradient_rows(), 0.0f);
  const bool has_gradients =
      balance_->Apply({x, &doutputs_, objectives_, sums, slot->input.n_rows(), slot->task.step_rows,
                       slot->task.clock, pass.seed},
                      dense_, &slot->input);
  if (!has_gradients) Backward(x, &slot->input);
  slot->input.AddL2(slot->task.step_rows);
  if (balance_->HasSums()) {
    const std::span<const double> numbers = balance_->sums().numbers();
    slice_sums_.balance.insert(slice_sums_.balance.end(), numbers.begin(), numbers.end());
  }
  profile_->Enter(Stage::kPush);
  client_->PushStart(&slot->exchange, slot->task.slice, slot->task.n_slices);
  profile_->Enter(Stage::kDeal);
  dealer_->Pushed(slot->task, clock_->Now() - client_->waited_s() - began);
}

void Trainer::Backward(const ConstMatrixView& x, model::EmbeddingInput* input) {
  const size_t n_weights = static_cast<size_t>(model_->n_weights());
  model_->Backward(dense_->weights().first(n_weights), x, doutputs_,
                   dense_->gradients().first(n_weights), &dx_);
  profile_->Enter(Stage::kScatter);
  input->Scatter(dx_);
}

}  // namespace zhiyin::worker::train
