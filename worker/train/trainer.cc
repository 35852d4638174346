#include "worker/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "common/error.h"
#include "common/random.h"
#include "common/text.h"
#include "worker/data/unpredicted.h"
#include "worker/train/left_out.h"

namespace zhiyin::worker::train {
namespace {

/// Distinguishes the draws of passes from other random numbers of the seed.
constexpr uint64_t kPasses = 0x706173;

}  // namespace

Trainer::Trainer(const Job& job, Dealer* dealer, data::SliceStream* slices,
                 const net::Endpoint* clock, const data::Normalizer* normalizer, int64_t epoch_rows,
                 ps::client::Client* client, model::Model* model, model::DenseWeights* dense,
                 model::TaskHeads* heads, model::balance::TaskBalance* balance, Profile* profile,
                 std::function<void()> tick)
    : job_(job),
      dealer_(dealer),
      slices_(slices),
      clock_(clock),
      normalizer_(normalizer),
      epoch_rows_(epoch_rows),
      client_(client),
      model_(model),
      dense_(dense),
      heads_(heads),
      balance_(balance),
      profile_(profile),
      tick_(std::move(tick)),
      prefetch_(job.train().prefetch()),
      synchronous_(job.train().staleness() == 0),
      slots_{Slot(model::EmbeddingInput(job, model::InputLayout::Of(job))),
             Slot(model::EmbeddingInput(job, model::InputLayout::Of(job)))},
      chunked_(job, model, heads, profile),
      slice_statistics_(dense->weights()),
      batch_statistics_(dense->weights()) {
  sums_shape_ = {.n_slices = static_cast<size_t>(dealer->n_slices()),
                 .n_tasks = static_cast<size_t>(heads->n_tasks()),
                 .n_balance = balance->HasSums() ? balance->sums().numbers().size() : 0};
}

void Trainer::BeginEpoch(int64_t epoch) {
  epoch_ = epoch;
  epoch_sums_ = EpochSums(sums_shape_);
  tally_ = EpochTally(sums_shape_.n_tasks);
  batch_statistics_.clear();
  waited_before_ = client_->waited_s();
  profile_->Enter(Stage::kDeal);
  dealer_->BeginEpoch(epoch);
}

bool Trainer::Run(uint64_t until, const std::function<void(const EpochTally&)>& after_slice) {
  until_ = until;
  rounded_is_fresh_ = false;  // an evaluation may have fetched other weights
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
  const data::Examples& rows = slices_->NextSlice(tick_);
  profile_->Enter(Stage::kKeys);
  slot->task = *task;
  slot->n_rows = rows.n;
  heads_->TakeTargets(rows, &slot->targets);
  if (balance_->HasMethod()) {
    // A method multiplies gradients by figures, which are then of the weights that gradients have.
    for (double& weight : slot->targets.weights) weight = static_cast<float>(weight);
  }
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

void Trainer::Finish(Slot* slot) {
  profile_->Enter(Stage::kUnpack);
  client_->PullFinish(&slot->exchange);
  if (slot->exchange.parts[kDenseTable].fetch) rounded_is_fresh_ = false;
  profile_->Enter(Stage::kPool);
  const double began = clock_->Now() - client_->waited_s();
  Compute(slot);
  Record(*slot);
  slot->input.AddL2(slot->task.step_examples);
  epoch_sums_.Add(slot->task.number, sums_,
                  balance_->HasSums() ? balance_->sums().numbers() : std::span<const double>());
  profile_->Enter(Stage::kPush);
  client_->PushStart(&slot->exchange, slot->task.slice, slot->task.n_slices);
  profile_->Enter(Stage::kDeal);
  dealer_->Pushed(slot->task, clock_->Now() - client_->waited_s() - began);
}

void Trainer::Compute(Slot* slot) {
  const model::nn::Pass pass = {true,
                                Random(job_.train().seed(), static_cast<uint64_t>(epoch_),
                                       static_cast<uint64_t>(slot->task.number), kPasses)
                                    .Next(),
                                slot->task.is_late ? &slice_statistics_ : nullptr};
  std::optional<model::nn::Bfloat16Pass> in_bfloat16;
  if (job_.train().compute() == Train::BF16) {
    if (!rounded_is_fresh_) rounded_weights_.Round(dense_->weights());
    rounded_is_fresh_ = true;
    in_bfloat16.emplace(dense_->weights(), &rounded_weights_);
  }
  const size_t n_tasks = static_cast<size_t>(heads_->n_tasks());
  while (true) {
    Forward(*slot, pass);
    const std::vector<int64_t> unpredicted = data::WithoutPrediction(predictions_, n_tasks);
    if (LeaveOut(slot, ToLeaveOut(slot->input, unpredicted))) continue;
    SumUp(*slot);
    profile_->Enter(Stage::kDeal);
    client_->Progress();
    dealer_->AskAhead();
    ComputeGradients(slot, pass);
    if (AreFigures()) break;
    // What compares examples or multiplies gradients overflows before predictions do.
    std::vector<int64_t> all(static_cast<size_t>(slot->input.n_rows()));
    std::iota(all.begin(), all.end(), int64_t{0});
    if (!LeaveOut(slot, MostExtreme(slot->input, all))) break;
  }
  if (pass.statistics != nullptr) batch_statistics_.Add(slice_statistics_);
}

void Trainer::Forward(const Slot& slot, const model::nn::Pass& pass) {
  profile_->Enter(Stage::kPool);
  slot.input.Pool(&x_);
  slice_statistics_.clear();
  predictions_.resize(slot.targets.labels.size());
  if (chunked_.IsPossible()) {
    std::ranges::fill(dense_->gradient_rows(), 0.0f);
    chunked_.Run(dense_->weights(), {X(), slot.targets, slot.task.step_examples}, pass, &outputs_,
                 predictions_, dense_->gradients(), &dx_);
    return;
  }
  profile_->Enter(Stage::kForward);
  model_->Forward(dense_->weights(), X(), pass, &outputs_);
  profile_->Enter(Stage::kLoss);
  heads_->Predictions(outputs_, predictions_);
}

bool Trainer::LeaveOut(Slot* slot, std::span<const int64_t> examples) {
  if (examples.empty()) return false;
  const size_t n_tasks = static_cast<size_t>(heads_->n_tasks());
  data::Unpredicted left_out;
  left_out.n = static_cast<int64_t>(examples.size());
  for (const int64_t example : examples) {
    if (left_out.first.size() == data::Unpredicted::kMaxNamed) break;
    const int64_t place = slot->input.place(example);
    left_out.first.push_back(
        {slot->task.number, place,
         TextOf("epoch ", epoch_ + 1, ", step ", slot->task.clock, ", example ", place,
                " of slice ", slot->task.number, ": ",
                data::DescribeExtreme(job_, *normalizer_, slot->input.numerics(example)))});
  }
  tally_.left_out.Merge(left_out);
  CheckLeftOut(tally_.left_out, epoch_rows_, epoch_ + 1);
  slot->input.LeaveOut(examples);
  slot->targets.LeaveOut(examples, n_tasks);
  return true;
}

void Trainer::SumUp(const Slot& slot) {
  sums_.resize(static_cast<size_t>(heads_->n_tasks()));
  heads_->Sums(outputs_, predictions_, slot.targets, sums_);
  for (size_t t = 0; t < sums_.size(); ++t) {
    const auto check = [&](const char* what, double sum) {
      if (std::isfinite(sum)) return;
      Fail("epoch ", epoch_ + 1, ", step ", slot.task.clock, ": ", what, " of task ",
           heads_->name(static_cast<int>(t)), " is ", sum,
           ", expected a finite number: lower the learning rates, or look for extreme values in "
           "the numeric columns");
    };
    check("the loss", sums_[t].loss);
    // A loss that compares examples does not see one that is alone in its group.
    check("the sum of the predictions", sums_[t].prediction);
  }
}

bool Trainer::AreFigures() const {
  const auto is_finite = [](double x) { return std::isfinite(x); };
  return std::ranges::all_of(own_losses_, is_finite) &&
         (!balance_->HasSums() || std::ranges::all_of(balance_->sums().numbers(), is_finite));
}

void Trainer::Record(const Slot& slot) {
  profile_->Enter(Stage::kMetrics);
  const size_t n_tasks = sums_.size();
  tally_.n_rows += slot.n_rows;
  for (size_t t = 0; t < n_tasks; ++t) {
    const int task = static_cast<int>(t);
    tally_.losses[t].weight += sums_[t].weight;
    tally_.losses[t].loss += heads_->weight(task) * sums_[t].loss;
    if (!model::metric::HasAuc(heads_->kind(task))) continue;
    for (size_t at = t; at < predictions_.size(); at += n_tasks) {
      const double label = slot.targets.labels[at];
      if (!model::metric::Counts(predictions_[at], label)) continue;
      tally_.aucs[t].Add(model::metric::InUnitInterval(heads_->kind(task), predictions_[at]), label,
                         slot.targets.weights.empty() ? 1 : slot.targets.weights[at]);
    }
  }
}

void Trainer::Observe(Slot* slot, const model::nn::Pass& pass) {
  if (!balance_->HasSums()) return;
  const SliceTask& task = slot->task;
  const bool looks = balance_->LooksAt(task.clock);
  if (looks) {
    profile_->Enter(Stage::kForward);
    model_->Forward(dense_->weights(), X(), pass, &observed_outputs_);
  }
  profile_->Enter(Stage::kBackward);
  heads_->Derivatives(looks ? observed_outputs_ : outputs_, slot->targets, task.step_examples,
                      &doutputs_, objectives_);
  balance_->Apply({X(), &doutputs_, objectives_, sums_, slot->input.n_rows(), task.step_examples,
                   task.clock, pass.seed},
                  dense_, &slot->input);
}

void Trainer::ComputeGradients(Slot* slot, const model::nn::Pass& pass) {
  const size_t n_tasks = sums_.size();
  const SliceTask& task = slot->task;
  own_losses_.assign(n_tasks, 0);
  objectives_.resize(n_tasks);
  if (chunked_.IsPossible()) {
    Observe(slot, pass);
    profile_->Enter(Stage::kScatter);
    slot->input.Scatter(dx_);
    return;
  }
  const ConstMatrixView x = X();
  profile_->Enter(Stage::kLoss);
  heads_->Derivatives(outputs_, slot->targets, task.step_examples, &doutputs_, objectives_);
  profile_->Enter(Stage::kBackward);
  std::ranges::fill(dense_->gradient_rows(), 0.0f);
  const bool adds_gradients =
      balance_->Apply({x, &doutputs_, objectives_, sums_, slot->input.n_rows(), task.step_examples,
                       task.clock, pass.seed},
                      dense_, &slot->input);
  // The auxiliary loss is no task's: it comes after the balance, with its own weight.
  profile_->Enter(Stage::kLoss);
  model_->AddAuxiliaryLoss(outputs_, slot->targets.labels, slot->targets.items,
                           1.0f / static_cast<float>(task.step_examples), own_losses_, &doutputs_);
  for (size_t t = 0; t < n_tasks; ++t) sums_[t].own_loss = own_losses_[t];
  profile_->Enter(Stage::kBackward);
  if (adds_gradients && !model_->HasAuxiliaryLoss()) {
    slot->input.ClearGradients();
  } else {
    Backward(x, &slot->input);
  }
  if (adds_gradients) balance_->AddGradients(dense_, &slot->input);
}

void Trainer::Backward(const ConstMatrixView& x, model::EmbeddingInput* input) {
  const size_t n_weights = static_cast<size_t>(model_->n_weights());
  model_->Backward(dense_->weights().first(n_weights), x, doutputs_,
                   dense_->gradients().first(n_weights), &dx_);
  profile_->Enter(Stage::kScatter);
  input->Scatter(dx_);
}

}  // namespace zhiyin::worker::train
